import { randomUUID } from "node:crypto";
import type { ToolCall } from "../model-call.ts";

/** What the stand-in of Letta's V1 server keeps: its database and its Redis, which survive its being killed. */

/** What the real server does that one would not expect. Each can be left out, to see that a test notices. */
export interface V1Oddities {
  /** A run whose server was killed stays `running` for ever, and its lock stays. */
  readonly deadRunsStay: boolean;
  /** The same otid in the background plays the same frames again, whatever the text. */
  readonly repeatsAreReplayed: boolean;
  /** The same otid in the foreground runs again. */
  readonly foregroundRepeatsRun: boolean;
  /** A second message while a run goes on is refused with 409 and the run's id. */
  readonly busyIsRefused: boolean;
  /** A message while a tool call waits for approval is taken, and fails in its own stream. */
  readonly pendingFailsInStream: boolean;
  /** The history of a conversation that never was is empty, no error. */
  readonly unknownHistoryIsEmpty: boolean;
  /** A message is in the history only when its first step is done. */
  readonly storesAfterFirstStep: boolean;
  /** Asked for the newest first, an agent's own conversation gives its newest entries, but the oldest of them first. */
  readonly ownHistoryIsAscending: boolean;
  /** A stream on which nothing happens pings, also that of a run that is dead. */
  readonly pingsForTheDead: boolean;
}

export const v1Oddities: V1Oddities = {
  deadRunsStay: true,
  repeatsAreReplayed: true,
  foregroundRepeatsRun: true,
  busyIsRefused: true,
  pendingFailsInStream: true,
  unknownHistoryIsEmpty: true,
  storesAfterFirstStep: true,
  ownHistoryIsAscending: true,
  pingsForTheDead: true,
};

export interface StoredMessage {
  /** As the history shows it. */
  readonly entry: Readonly<Record<string, unknown>> & { readonly id: string; readonly message_type: string };
  /** As the model is told; some entries it is not told. */
  readonly chat?: object;
}

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly persona: string;
  /** Its model's handle. */
  readonly model: string;
  readonly tools: Map<string, { readonly type: string; readonly needsApproval: boolean }>;
  /** Its variables. */
  secrets: Readonly<Record<string, string>>;
}

/** A server that offers tools, and what it offered when it was last looked at. */
export interface McpServer {
  readonly id: string;
  readonly name: string;
  url: string;
  /** As it was given, templates and all. */
  authorization: string;
  tools: readonly string[];
}

export interface Conversation {
  readonly id: string;
  readonly agentId: string;
  readonly messages: StoredMessage[];
}

export interface Run {
  readonly id: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly background: boolean;
  readonly createdAt: string;
  status: "created" | "running" | "completed" | "failed" | "cancelled";
  stopReason?: string;
  /** Frames in SSE's format; those of a background run are kept in Redis. */
  readonly log: string[];
  complete: boolean;
  /** Woken at each frame. */
  readonly readers: Set<() => void>;
}

export class V1State {
  readonly agents = new Map<string, Agent>();
  readonly conversations = new Map<string, Conversation>();
  readonly mcpServers = new Map<string, McpServer>();
  readonly runs = new Map<string, Run>();
  readonly runByOtid = new Map<string, string>();
  /** Conversation to the run that locks it. */
  readonly locks = new Map<string, string>();

  addAgent(name: string, persona: string, model: string): Agent {
    const own = (name: string) => [name, { type: toolType(name), needsApproval: false }] as const;
    const tools = new Map(["conversation_search", "memory_insert", "memory_replace"].map(own));
    const agent = { id: `agent-${randomUUID()}`, name, persona, model, tools, secrets: {} };
    this.agents.set(agent.id, agent);
    return agent;
  }

  addConversation(agentId: string, messages: readonly StoredMessage[] = []): Conversation {
    const id = `conv-${randomUUID()}`;
    const first = { entry: { id: `message-${randomUUID()}`, message_type: "system_message", content: "instructions" } };
    const conversation = { id, agentId, messages: messages.length === 0 ? [first] : [...messages] };
    this.conversations.set(id, conversation);
    return conversation;
  }

  /** The one that every agent has without its being made. */
  ownConversation(agentId: string): Conversation | undefined {
    if (!this.agents.has(agentId)) return undefined;
    const key = `default of ${agentId}`;
    const conversation = this.conversations.get(key) ?? { ...this.addConversation(agentId), id: key };
    this.conversations.set(key, conversation);
    return conversation;
  }

  addRun(conversation: Conversation, background: boolean): Run {
    const run: Run = {
      id: `run-${randomUUID()}`,
      agentId: conversation.agentId,
      conversationId: conversation.id,
      background,
      createdAt: new Date().toISOString(),
      status: "running",
      log: [],
      complete: false,
      readers: new Set(),
    };
    this.runs.set(run.id, run);
    return run;
  }

  end(run: Run, status: Run["status"], stopReason: string): void {
    run.status = status;
    run.stopReason = stopReason;
    if (this.locks.get(run.conversationId) === run.id) this.locks.delete(run.conversationId);
  }
}

export function toolType(name: string): string {
  if (/^(?:core_|archival_)?memory_/.test(name)) return "letta_memory_core";
  return name === "conversation_search" ? "letta_core" : "letta_builtin";
}

/** The calls that wait for approval in a conversation. */
export function waitingCalls({ messages }: Conversation): readonly ToolCall[] {
  const last = messages.at(-1)?.entry;
  if (last?.message_type !== "approval_request_message") return [];
  const { name, tool_call_id: id, arguments: given } = Object(last["tool_call"]);
  return [{ id, name, arguments: given }];
}
