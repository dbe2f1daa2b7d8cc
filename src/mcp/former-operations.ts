import type { Principal } from "../commands/access/principal.ts";
import { CallRefused } from "../commands/access/refused.ts";
import type { Tool } from "./tool.ts";

/** What the older system's deployed tool could do, in the words of its clients: operations, and what their arguments are called. */

export interface FormerOperation {
  /** Which tool does it now. */
  readonly tool: string;
  /** What the tool calls an argument that had another name. */
  readonly names?: Readonly<Record<string, string>>;
  /** What is so in any case: to ask for it changes nothing, and to ask for anything else is refused. */
  readonly settled?: Readonly<Record<string, string | boolean>>;
  /** What nothing is made of. */
  readonly unused?: readonly string[];
}

const textOnly = { msgtype: "m.text" };
/** Whichever of these it was called. */
const meantAgent = { agent_id: "agent", agent_name: "agent" };

export const formerOperations: ReadonlyMap<string, FormerOperation> = new Map(
  Object.entries({
    send: { tool: "send_matrix_message", names: { agent_id: "agent" }, settled: textOnly },
    reply: {
      tool: "reply_to_message",
      names: { agent_id: "agent", reply_to_event_id: "event_id" },
      settled: textOnly,
    },
    read: { tool: "get_room_messages" },
    room_search: { tool: "search_messages", names: { query: "text" } },
    react: { tool: "react_to_message", names: { emoji: "reaction" } },
    edit: { tool: "edit_message", names: { new_content: "message" } },
    redact: { tool: "redact_message", names: { agent_id: "agent" }, unused: ["message"] },
    room_join: { tool: "join_room", names: { room_id_or_alias: "room_id" } },
    room_leave: { tool: "leave_room" },
    room_list: { tool: "list_matrix_rooms" },
    room_create: { tool: "create_matrix_room", settled: { is_public: false } },
    room_invite: { tool: "invite_to_room", names: { user_mxid: "user_id" } },
    room_members: { tool: "list_room_members" },
    // Its `agent_id` was the one that writes.
    letta_send: { tool: "send_message_to_agent", names: { agent_id: "from_agent", to_mxid: "agent" } },
    letta_chat: { tool: "send_message_to_agent", names: meantAgent },
    talk_to_agent: { tool: "send_message_to_agent", names: meantAgent },
    letta_list: { tool: "list_agents" },
    letta_lookup: { tool: "get_agent_room", names: meantAgent },
  } satisfies Readonly<Record<string, FormerOperation>>),
);

/** What its clients added by themselves, to be told from each other: here the token tells. */
const aboutCaller = ["caller_directory", "caller_name", "caller_source"];
/** Which of its identities acts. */
const identities = ["identity_id", "sender_identity_id"];
/** What it called the identities of agents. */
const agentIdentity = /^letta_(.+)$/;

/** The arguments as the tool calls them. Throws {@link NoSuchIdentity} and {@link SaidTwice}. */
export function renamed(
  given: Readonly<Record<string, unknown>>,
  { names = {}, settled = {}, unused = [] }: FormerOperation,
  tool: Tool,
  principal: Principal,
): ReadonlyMap<string, unknown> {
  const nameOf = new Map(Object.entries(names));
  const isSettled = new Map<string, unknown>(Object.entries(settled));
  const named = new Map<string, unknown>();
  const take = (name: string, value: unknown): void => {
    if (named.has(name) && named.get(name) !== value) throw new SaidTwice(name);
    named.set(name, value);
  };
  for (const [name, value] of Object.entries(given)) {
    if (aboutCaller.includes(name) || unused.includes(name)) continue;
    if (isSettled.has(name) && isSettled.get(name) === value) continue;
    if (!identities.includes(name)) take(nameOf.get(name) ?? name, value);
    else if (tool.actor !== undefined) take(tool.actor, agentOf(name, value));
    else if (agentOf(name, value) !== principal.agentId) throw new NoSuchIdentity(name, value);
  }
  return named;
}

function agentOf(name: string, identity: unknown): string {
  const [, agentId] = agentIdentity.exec(String(identity)) ?? [];
  if (agentId === undefined) throw new NoSuchIdentity(name, identity);
  return agentId;
}

/** It would be somebody else than who acts here; nothing was done. */
class NoSuchIdentity extends CallRefused {
  override readonly name = "NoSuchIdentity";
  readonly remedy: string;

  constructor(argument: string, identity: unknown) {
    super(`nobody acts here by the identity "${String(identity).slice(0, 100)}"`);
    this.remedy = `Leave ${argument} out: your token says who acts. An agent's identity is letta_ and its id, where one may be named.`;
  }
}

/** Nothing was done. */
class SaidTwice extends CallRefused {
  override readonly name = "SaidTwice";
  readonly remedy = "Say it once.";

  constructor(argument: string) {
    super(`two arguments say another ${argument} each`);
  }
}
