/**
 * What the actors need of a Letta server. One turn is: send a message into a conversation, watch it until it ends.
 *
 * A message carries an `otid` that the caller derived from the question and the attempt, and wrote down beforehand;
 * by it {@link LettaBackend.lookUp} tells after a crash what became of the message, so that no turn runs twice.
 */

/** What not every server can do. Whoever relies on one of these asks for it here first. */
export interface LettaAbilities {
  /** A turn goes on when whoever watches it is gone, and another process can follow it; otherwise it ends then. */
  readonly turnsOutliveWatchers: boolean;
  /** No tool runs unless its name is on our list. Otherwise the agent's own settings decide, and we hear of it late. */
  readonly gatesEveryTool: boolean;
  /** The server asks a model again that broke off in mid-answer; otherwise the turn fails. */
  readonly repeatsBrokenAnswers: boolean;
  /** A turn that was cut off holds its conversation for good, and leaves half answers that a branch is without. */
  readonly holdsConversations: boolean;
  /** Agents can be given tools that we serve ourselves ({@link ToolTaker}). */
  readonly takesTools: boolean;
  /** Agents can be given tools that the server calls at an address of ours, by MCP ({@link ToolAttacher}). */
  readonly attachesTools: boolean;
}

export interface AgentSummary {
  readonly id: string;
  readonly name: string;
}

/** Letta's own id of a conversation; `default` is the one that Letta's own app uses too. */
export interface Conversation {
  readonly agentId: string;
  readonly conversationId: string;
}

export interface TurnRequest {
  readonly conversation: Conversation;
  readonly otid: string;
  readonly text: string;
  /**
   * Called before a tool call of this turn is approved, and awaited: what the caller writes down here is durable
   * before the tool can have run.
   */
  beforeApproval(toolName: string): Promise<void>;
  /**
   * Called for a tool of which people are to be asked each time; `over` is aborted when the turn ends before they have
   * decided. Such a tool is denied when this is left out.
   */
  askPerson?(call: ToolCall, over: AbortSignal): Promise<Decision>;
}

/** A tool that we serve ourselves. */
export interface ToolSpec {
  readonly name: string;
  /** For the model: what it is for. */
  readonly description: string;
  /** JSON Schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Who calls a tool of ours: the server says so, never the model. */
export interface ToolCaller extends Conversation {
  /** Of the message whose turn it is. */
  readonly otid: string;
  /** Names the call within that turn. */
  readonly toolCallId: string;
}

export interface ToolOutcome {
  /** What the model is told. */
  readonly text: string;
  readonly isError: boolean;
}

/** The tools that we serve ourselves. */
export interface ExternalTools {
  readonly list: readonly ToolSpec[];
  /**
   * Does what the model wants; the same call twice is done once. Never throws. Aborted when the turn is over: what has
   * been accepted by then is done all the same.
   */
  call(caller: ToolCaller, name: string, input: unknown, signal: AbortSignal): Promise<ToolOutcome>;
}

/** What a backend may be able to do besides. */
export interface ToolTaker {
  /** From the next session on, turns of ours may call these tools; nobody is asked about that. */
  offer(tools: ExternalTools): void;
}

/** Where we offer tools by MCP. */
export interface OfferedTools {
  /** By which the server knows us again. */
  readonly name: string;
  readonly url: string;
  /** What each agent is given, by name. */
  readonly tools: readonly string[];
}

/** By what an agent's calls of our tools show whose they are. Keys are secrets. */
export interface AgentKeys {
  /** Whether this one shows that it is this agent. */
  isGood(key: string): boolean;
  /** Makes the agent a new one; older ones are good no more. */
  make(): Promise<string>;
  /** Lends one by which the server can look at the tools, for as long as that takes. */
  toLook<T>(look: (key: string) => Promise<T>): Promise<T>;
}

/** What a backend may be able to do besides. Each looks first, and writes only what is not so. */
export interface ToolAttacher {
  /** From then on the agent has these tools, and its calls show a key of its own. */
  attachTools(agentId: string, offered: OfferedTools, keys: AgentKeys, signal: AbortSignal): Promise<void>;
  /** The agent has none of them any more, nor a key; one that the server does not have needs neither. */
  detachTools(agentId: string, offered: Pick<OfferedTools, "name">, signal: AbortSignal): Promise<void>;
  /** The server knows of them no more, by this name. */
  withdrawTools(offered: Pick<OfferedTools, "name">, signal: AbortSignal): Promise<void>;
}

/** What a model wants to do. */
export interface ToolCall {
  /** The same whenever this call is asked about. */
  readonly id: string;
  readonly name: string;
  /** The arguments, whatever the model made of them. */
  readonly input: unknown;
}

export interface Decision {
  readonly allowed: boolean;
  /** One sentence; what the model is told of a denial. */
  readonly reason: string;
}

export type TurnEvent =
  /** The server has the message; from here on `lookUp` knows it. */
  | { readonly type: "accepted" }
  /** More text of the answer. `messageId` changes when the agent starts another message within the same turn. */
  | { readonly type: "text"; readonly messageId: string; readonly delta: string }
  /** The model failed in the middle of this message and is asked again: its text so far is void. */
  | { readonly type: "withdrawn"; readonly messageId: string }
  | { readonly type: "tool"; readonly name: string; readonly outcome: "approved" | "denied" }
  /** The last event of a turn. The answer is all its texts: one paragraph for each message id. */
  | { readonly type: "finished"; readonly stopReason: string };

/**
 * What became of a message, judged from the server's own history:
 * - `unknown`: it never arrived; sending it (under the same otid) is safe.
 * - `running`: its turn has not ended; `follow` continues to watch it.
 * - `answered`: its turn ended with this text (empty when the agent said nothing).
 * - `lost`: it arrived, but its turn ended without an answer (cut off, cancelled). A new attempt needs a new otid; with
 *   `ranTool`, a tool that was not ours to approve may have run in it, so that a new attempt is not safe. With
 *   `calledTool`, the history has a call in it: whether that was approved, only whoever was asked knows.
 */
export type TurnFate =
  | { readonly state: "unknown" }
  | { readonly state: "running" }
  | { readonly state: "answered"; readonly text: string }
  | { readonly state: "lost"; readonly ranTool?: string; readonly calledTool?: string };

/** Something that was said to an agent, or by it. */
export interface Utterance {
  /** Names it within the agent's own conversation. */
  readonly id: string;
  readonly speaker: "user" | "agent";
  /** Never empty. */
  readonly text: string;
  /** When it was said, ms since the epoch, where Letta tells. */
  readonly at?: number;
}

/** The time that Letta writes like this; nothing where it cannot be read. */
export function saidAt(date: string | null | undefined): Pick<Utterance, "at"> {
  const at = Date.parse(date ?? "");
  return at >= 0 ? { at } : {};
}

export interface LettaBackend {
  /** May change with the first answer of a server that was not reached before. */
  readonly abilities: LettaAbilities;
  /** All agents, paged, each once. A failure in mid-listing throws: what came before is then not a complete list. */
  listAgents(signal: AbortSignal): AsyncIterable<AgentSummary>;
  /** The last things that were said in the agent's own conversation (`default`), the oldest first; at most `limit`. */
  history(agentId: string, limit: number, signal: AbortSignal): Promise<readonly Utterance[]>;
  createConversation(agentId: string, signal: AbortSignal): Promise<Conversation>;
  /**
   * A new conversation that goes on where this one, which is `held`, was before its last turn: with its history, less
   * that turn's half answer and, unless a tool ran in it, its message.
   */
  branchConversation(from: Conversation, signal: AbortSignal): Promise<Conversation>;
  /**
   * Sends the message and yields what happens until the turn has finished. Only one turn of a conversation may be in
   * flight. Ends by throwing {@link LettaError} when the server refuses, fails, or falls silent. Aborting stops
   * watching; it does not promise to stop the turn.
   */
  ask(request: TurnRequest, signal: AbortSignal): AsyncIterable<TurnEvent>;
  /** Continues to watch a turn that `lookUp` called running. Its first text may repeat what was seen before. */
  follow(request: TurnRequest, signal: AbortSignal): AsyncIterable<TurnEvent>;
  lookUp(conversation: Conversation, otid: string, signal: AbortSignal): Promise<TurnFate>;
  /** Ends the turn of this message if it still runs: it comes to no answer any more. */
  cancel(conversation: Conversation, otid: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface AgentModel {
  readonly agentId: string;
  readonly name: string;
  /** As Letta names it. */
  readonly model: string;
}

/** What a backend may be able to tell besides. */
export interface ModelInspector {
  /** The agents whose model the server does not have, by its own list. */
  missingModels(signal: AbortSignal): Promise<readonly AgentModel[]>;
}

export interface AgentTools {
  readonly agentId: string;
  readonly name: string;
  readonly tools: readonly string[];
}

/** Where the agents' own settings decide which tools run. */
export interface ToolInspector {
  /** Agents with tools that run without anybody's being asked. Letta's own that act within Letta alone do not count. */
  ungatedTools(signal: AbortSignal): Promise<readonly AgentTools[]>;
}

/**
 * Why a turn or a request failed.
 * - `unreachable`: no connection, cut connection, no reply in time: try again later.
 * - `busy`: a turn that is not ours is running; try again later.
 * - `silent`: the turn was accepted, but nothing has come from it for too long; look it up.
 * - `refused`: the server knows us and says no (bad key, unknown agent or model): asking again changes nothing.
 * - `gone`: the server does not know the conversation (any more): open another.
 * - `held`: a turn that was cut off or fell silent holds the conversation for good. The message was not taken and left
 *   no trace: go on in a branch of the conversation.
 * - `cut`: the turn that was followed ended with the connection of the client that had begun it; look it up.
 * - `failed`: the turn ran and ended in an error (the model's, mostly).
 * - `malformed`: the server answered something that is no answer to this request.
 */
export type LettaErrorKind =
  | "unreachable"
  | "busy"
  | "silent"
  | "refused"
  | "gone"
  | "held"
  | "cut"
  | "failed"
  | "malformed";

/** More is not waited for, ms: a broken proxy may ask for years, and one request an hour costs no server anything. */
const longestRetryAfterMs = 3_600_000;

export class LettaError extends Error {
  override readonly name = "LettaError";
  readonly kind: LettaErrorKind;
  /** What a person can do about it, one sentence. */
  readonly remedy: string;
  /** Milliseconds the server asked us to wait, an hour at most. */
  readonly retryAfterMs?: number;

  constructor(
    kind: LettaErrorKind,
    message: string,
    details: { remedy: string; retryAfterMs?: number; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.remedy = details.remedy;
    if (details.retryAfterMs !== undefined && !Number.isNaN(details.retryAfterMs))
      this.retryAfterMs = Math.min(longestRetryAfterMs, Math.max(0, details.retryAfterMs));
  }
}
