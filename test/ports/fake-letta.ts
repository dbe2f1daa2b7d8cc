import {
  type AgentSummary,
  type Conversation,
  type LettaBackend,
  LettaError,
  type LettaErrorKind,
  type TurnEvent,
  type TurnFate,
  type TurnRequest,
  type Utterance,
} from "../../src/letta/port.ts";
import { appServerAbilities } from "./abilities.ts";

export function lettaError(kind: LettaErrorKind, retryAfterMs?: number): LettaError {
  return new LettaError(kind, `Letta says ${kind}`, {
    remedy: "do something about it",
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** What happens in a turn: events to hand on, or something to wait for or to fail with. */
export type Happening = TurnEvent | (() => unknown);

/** Texts, each a message of its own, and the end. */
export function saying(...texts: readonly string[]): Happening[] {
  const events = texts.map((delta, index): TurnEvent => ({ type: "text", messageId: `message-${index}`, delta }));
  return [{ type: "accepted" }, ...events, { type: "finished", stopReason: "end_turn" }];
}

/** A Letta whose turns are written down beforehand. What it was asked is noted. */
export class FakeLetta implements LettaBackend {
  agents: AgentSummary[] = [];
  /** What the turns that are asked for come to, one after the other. */
  turns: (readonly Happening[])[] = [];
  /** What the turns that are followed come to, one after the other. */
  followed: (readonly Happening[])[] = [];
  /** What look-ups find, one after the other; the last one for ever. */
  fates: TurnFate[] = [{ state: "unknown" }];
  /** What was said in the agent's own conversation, the oldest first. */
  past: Utterance[] = [];
  listingFails: unknown;
  readonly abilities = appServerAbilities;
  readonly asked: TurnRequest[] = [];
  /** The last one that was followed. */
  following: TurnRequest | undefined;
  readonly lookedUp: string[] = [];
  readonly calls: string[] = [];
  readonly cancelled: string[] = [];
  #conversations = 0;
  #cancel: (() => void) | undefined;

  async *listAgents(signal: AbortSignal): AsyncGenerator<AgentSummary> {
    signal.throwIfAborted();
    yield* this.agents;
    if (this.listingFails !== undefined) throw this.listingFails;
  }

  async history(_agentId: string, limit: number, _signal: AbortSignal): Promise<readonly Utterance[]> {
    this.calls.push("history");
    return limit === 0 ? [] : this.past.slice(-limit);
  }

  async createConversation(agentId: string, _signal: AbortSignal): Promise<Conversation> {
    this.calls.push("createConversation");
    if (!this.agents.some(({ id }) => id === agentId)) throw lettaError("refused");
    return { agentId, conversationId: `conversation-${++this.#conversations}` };
  }

  async branchConversation({ agentId, conversationId }: Conversation, _signal: AbortSignal): Promise<Conversation> {
    this.calls.push("branchConversation");
    return { agentId, conversationId: `branch-of-${conversationId}` };
  }

  async *ask(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    this.calls.push("ask");
    this.asked.push(request);
    yield* this.#play(this.turns.shift() ?? saying("an answer"), signal);
  }

  async *follow(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    this.calls.push("follow");
    this.following = request;
    yield* this.#play(this.followed.shift() ?? saying("the rest"), signal);
  }

  async lookUp(_conversation: Conversation, otid: string, _signal: AbortSignal): Promise<TurnFate> {
    this.calls.push("lookUp");
    this.lookedUp.push(otid);
    const [fate = { state: "unknown" }, ...rest] = this.fates;
    if (rest.length > 0) this.fates = rest;
    return fate;
  }

  /** As with Letta, the stream of the turn then fails. */
  async cancel(_conversation: Conversation, otid: string, _signal: AbortSignal): Promise<void> {
    this.calls.push("cancel");
    this.cancelled.push(otid);
    this.#cancel?.();
  }

  async close(): Promise<void> {}

  async *#play(happenings: readonly Happening[], signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const cancelled = new Promise<never>((_, reject) => {
      this.#cancel = () => reject(lettaError("failed"));
    });
    cancelled.catch(() => undefined);
    for (const happening of happenings) {
      await Promise.race([Promise.resolve(), cancelled]);
      signal.throwIfAborted();
      if (typeof happening === "function") await Promise.race([happening(), cancelled]);
      else yield happening;
    }
  }
}
