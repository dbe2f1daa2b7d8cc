import type { BoundCommand } from "../commands/command.ts";
import { Tool, type ToolDefinition, type Toolset } from "./tool.ts";
import { wordingOf } from "./wording.ts";

/** Of a room, as clients of the older system name it. */
const room = { room: "room_id" } as const;

/** How many things one answer lists when the call does not say. */
const pageSize = { limit: 100 };

/** Every tool there is, the older system's seven by their names. */
const definitions: readonly ToolDefinition[] = [
  {
    name: "send_matrix_message",
    title: "Send a message",
    command: "messages.send",
    toolset: "matrix",
    renamed: { ...room, text: "message", key: "idempotency_key" },
    withheld: ["wait"],
  },
  {
    name: "get_room_messages",
    title: "Read messages",
    command: "messages.list",
    toolset: "matrix",
    renamed: room,
    quotes: true,
  },
  {
    name: "search_messages",
    title: "Search messages",
    command: "messages.search",
    toolset: "matrix",
    renamed: room,
    quotes: true,
  },
  { name: "get_file", title: "Look at a file", command: "media.get", toolset: "matrix", file: true },
  {
    name: "send_file",
    title: "Send a file",
    command: "media.send",
    toolset: "matrix",
    renamed: { ...room, key: "idempotency_key" },
  },
  {
    name: "list_matrix_rooms",
    title: "List rooms",
    command: "rooms",
    toolset: "matrix",
    defaults: pageSize,
    quotes: true,
  },
  {
    name: "create_matrix_room",
    title: "Create a room",
    command: "rooms.create",
    toolset: "matrix",
    renamed: { key: "idempotency_key" },
  },
  {
    name: "reply_to_message",
    title: "Reply to a message",
    command: "messages.reply",
    toolset: "matrix",
    renamed: { ...room, event: "event_id", text: "message", key: "idempotency_key" },
  },
  {
    name: "react_to_message",
    title: "React to a message",
    command: "messages.react",
    toolset: "matrix",
    renamed: { ...room, event: "event_id", sign: "reaction" },
    withheld: ["key"],
    idempotent: true,
  },
  {
    name: "edit_message",
    title: "Edit a message",
    command: "messages.edit",
    toolset: "matrix",
    renamed: { ...room, event: "event_id", text: "message" },
    withheld: ["key"],
  },
  {
    name: "redact_message",
    title: "Take a message back",
    command: "messages.redact",
    toolset: "matrix",
    renamed: { ...room, event: "event_id" },
    withheld: ["key"],
    destructive: true,
    idempotent: true,
  },
  {
    name: "invite_to_room",
    title: "Invite somebody",
    command: "rooms.invite",
    toolset: "matrix",
    renamed: { ...room, user: "user_id" },
    idempotent: true,
  },
  {
    name: "join_room",
    title: "Join a room",
    command: "rooms.join",
    toolset: "matrix",
    renamed: room,
    idempotent: true,
  },
  {
    name: "leave_room",
    title: "Leave a room",
    command: "rooms.leave",
    toolset: "matrix",
    renamed: room,
    idempotent: true,
  },
  {
    name: "list_room_members",
    title: "List members",
    command: "rooms.members",
    toolset: "matrix",
    renamed: room,
    quotes: true,
  },
  {
    name: "send_message_to_agent",
    title: "Ask another agent",
    command: "agents.message",
    toolset: "agents",
    renamed: { to: "agent", text: "message", agent: "from_agent", wait: "wait_seconds", key: "idempotency_key" },
    quotes: true,
  },
  {
    name: "list_agents",
    title: "List agents",
    command: "agents",
    toolset: "agents",
    defaults: pageSize,
    quotes: true,
  },
  {
    name: "get_agent_room",
    title: "Find an agent's room",
    command: "agents.room",
    toolset: "agents",
    about: true,
    quotes: true,
  },
  {
    name: "get_agent_status",
    title: "Look at one agent",
    command: "agent",
    toolset: "agents",
    about: true,
    quotes: true,
  },
  { name: "get_system_status", title: "Look at everything", command: "status", toolset: "agents", quotes: true },
  {
    name: "run_discovery",
    title: "Look for new agents",
    command: "discovery.run",
    toolset: "agents",
    idempotent: true,
  },
  {
    name: "pause_agent",
    title: "Have an agent wait",
    command: "agents.pause",
    toolset: "agents",
    about: true,
    quotes: true,
    idempotent: true,
  },
  {
    name: "resume_agent",
    title: "Have an agent go on",
    command: "agents.resume",
    toolset: "agents",
    about: true,
    quotes: true,
    idempotent: true,
  },
  {
    name: "restart_agent",
    title: "Restart an agent",
    command: "agents.restart",
    toolset: "agents",
    about: true,
    quotes: true,
  },
  {
    name: "release_agent",
    title: "Release an agent from quarantine",
    command: "agents.release",
    toolset: "agents",
    about: true,
    quotes: true,
  },
  {
    name: "reprovision_agent",
    title: "Provision an agent anew",
    command: "agents.reprovision",
    toolset: "agents",
    about: true,
    quotes: true,
    idempotent: true,
  },
  { name: "release_actor", title: "Release from quarantine", command: "release", toolset: "agents" },
  {
    name: "list_dead_letters",
    title: "List dead letters",
    command: "dead-letters.list",
    toolset: "agents",
    defaults: pageSize,
    quotes: true,
  },
  { name: "replay_dead_letter", title: "Replay a dead letter", command: "dead-letters.replay", toolset: "agents" },
  {
    name: "drop_dead_letter",
    title: "Drop a dead letter",
    command: "dead-letters.drop",
    toolset: "agents",
    destructive: true,
  },
];

/** For whatever is told to models. Which of the tools one of them has makes no difference: there is no other name for them. */
export const inToolNames = wordingOf(definitions);

/** The tools whose commands are there. Keep it: to make a tool takes longer than most calls of it. */
export class Catalogue {
  readonly commands: readonly BoundCommand[];
  #tools: readonly Tool[] | undefined;

  constructor(commands: readonly BoundCommand[]) {
    this.commands = commands;
  }

  of(toolset: Toolset): readonly Tool[] {
    this.#tools ??= this.#made(definitions);
    return this.#tools.filter(({ definition }) => toolset === "all" || definition.toolset === toolset);
  }

  /** These only, whatever toolset they are in: no other is made for that. */
  named(names: readonly string[]): readonly Tool[] {
    return this.#made(definitions.filter(({ name }) => names.includes(name)));
  }

  #made(wanted: readonly ToolDefinition[]): readonly Tool[] {
    const byName = new Map(this.commands.map((command) => [command.name, command]));
    return wanted.flatMap((definition) => {
      const command = byName.get(definition.command);
      return command === undefined ? [] : [new Tool(definition, command, inToolNames)];
    });
  }
}
