import type { AgentSummary, Conversation, LettaBackend, TurnEvent, TurnFate, TurnRequest, Utterance } from "../port.ts";
import { type AgentCreator, createAgent, listAgents, type NewAgent } from "./agents.ts";
import type { ConnectionOptions } from "./connection.ts";
import { fateOf } from "./fate.ts";
import type { Ignored } from "./frame-reader.ts";
import { createdConversation } from "./frames.ts";
import { abort } from "./free.ts";
import { readPast } from "./history.ts";
import { Link, type LinkOptions } from "./link.ts";
import type { Session } from "./session.ts";
import { type StartTimer, startTimer } from "./timer.ts";
import { ToolPolicy } from "./tools.ts";

export interface AppServerOptions extends Omit<ConnectionOptions, "startTimer"> {
  /** Tools that a turn may use besides Letta's own memory tools, by name. */
  readonly toolAllowList: readonly string[];
  /** A turn from which nothing comes for this long counts as silent, ms. */
  readonly idleTimeoutMs: number;
  /**
   * How long {@link AppServerBackend.lookUp} waits for Letta's receipt of a turn that may have been completed, ms.
   * Letta holds a receipt back for 30 s when it had handed it to a client that has died since. A shorter wait is safe,
   * but some messages are then asked again that had been answered.
   */
  readonly receiptWithinMs?: number;
  /**
   * Whether Letta is to keep a receipt of each turn until we have seen its end (on when left out). Costs Letta some 50 ms
   * per turn. Without receipts `lookUp` takes a text that is left after the conversation was freed for the answer: wrong
   * only when a model broke off in mid-answer and this process died before Letta had it asked again.
   */
  readonly receipts?: boolean;
  /** The real one when left out. */
  readonly startTimer?: StartTimer;
}

const defaultReceiptWithinMs = 32_000;
const acknowledgeAfterMs = 2_000;
const abortOnCloseMs = 2_000;

/** Letta Code's App Server: JSON frames over one WebSocket. Made for and tried with Letta 0.34. */
export class AppServerBackend implements LettaBackend, AgentCreator {
  readonly #options: LinkOptions;
  readonly #receiptWithinMs: number;
  readonly #link: Link;

  constructor(options: AppServerOptions) {
    const policy = new ToolPolicy(options.toolAllowList);
    const receipts = options.receipts ?? true;
    this.#options = { ...options, startTimer: options.startTimer ?? startTimer, policy, receipts };
    this.#receiptWithinMs = options.receiptWithinMs ?? defaultReceiptWithinMs;
    this.#link = new Link({ ...this.#options, acknowledgeAfterMs });
  }

  /** Frames that were let pass since the start, by the reason. */
  get ignoredFrames(): Readonly<Record<Ignored, number>> {
    return this.#link.connection.ignored;
  }

  listAgents(signal: AbortSignal): AsyncIterable<AgentSummary> {
    return listAgents(this.#link.request, signal);
  }

  createAgent(agent: NewAgent, signal: AbortSignal): Promise<AgentSummary> {
    return createAgent(this.#link.request, agent, signal);
  }

  history(agentId: string, limit: number, signal: AbortSignal): Promise<readonly Utterance[]> {
    return readPast(this.#link.request, agentId, limit, signal);
  }

  async createConversation(agentId: string, signal: AbortSignal): Promise<Conversation> {
    const command = { type: "conversation_create", body: { agent_id: agentId } };
    const { conversation } = await this.#link.request(command, createdConversation, signal);
    return { agentId, conversationId: conversation.id };
  }

  async *ask(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const session = await this.#join(request.conversation, signal);
    yield* this.#link.asking.ask(session, request, signal);
  }

  async *follow(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const session = await this.#join(request.conversation, signal);
    yield* this.#link.asking.follow(session, request, signal);
  }

  /**
   * Over a connection of its own where the conversation is not in use yet: what freeing it leaves behind ends with that
   * connection.
   */
  async lookUp(conversation: Conversation, otid: string, signal: AbortSignal): Promise<TurnFate> {
    if (this.#link.sessions.has(conversation)) return await this.#fate(this.#link, conversation, otid, signal);
    const aside = new Link(this.#options);
    try {
      const fate = await this.#fate(aside, conversation, otid, signal);
      // Letta ends a turn when the last client that takes part is gone.
      if (fate.state === "running") await this.#join(conversation, signal);
      return fate;
    } finally {
      await aside.connection.close();
    }
  }

  /** Stops our turns, since Letta would not free their conversations by itself, and closes the socket. */
  async close(): Promise<void> {
    const { sessions, connection, request } = this.#link;
    const signal = AbortSignal.timeout(abortOnCloseMs);
    const running = sessions.all.filter((session) => session.turn !== undefined);
    await Promise.allSettled(running.map((session) => abort({ session, request, signal })));
    await connection.close();
  }

  async #join(conversation: Conversation, signal: AbortSignal): Promise<Session> {
    await this.#link.renew();
    return await this.#link.sessions.open(conversation, this.#link.request, signal);
  }

  async #fate(link: Link, conversation: Conversation, otid: string, signal: AbortSignal): Promise<TurnFate> {
    const session = await link.sessions.open(conversation, link.request, signal);
    return await fateOf(otid, {
      session,
      request: link.request,
      startTimer: this.#options.startTimer,
      receiptWithinMs: this.#options.receipts ? this.#receiptWithinMs : undefined,
      signal,
      ...(link === this.#link ? {} : { free: () => link.asking.free(session, signal) }),
    });
  }
}
