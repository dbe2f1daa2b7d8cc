import type {
  AgentModel,
  AgentSummary,
  Conversation,
  ExternalTools,
  LettaAbilities,
  LettaBackend,
  ModelInspector,
  ToolTaker,
  TurnEvent,
  TurnFate,
  TurnRequest,
  Utterance,
} from "../port.ts";
import { type StartTimer, startTimer } from "../timer.ts";
import { ToolPolicy } from "../tools.ts";
import { type AgentCreator, createAgent, listAgents, type NewAgent } from "./agents.ts";
import { branch, create } from "./branch.ts";
import type { ConnectionOptions } from "./connection.ts";
import { fateOf } from "./fate.ts";
import type { Ignored } from "./frame-reader.ts";
import { readPast } from "./history.ts";
import { abort } from "./interrupt.ts";
import { Link, type LinkOptions } from "./link.ts";
import { missingModels } from "./models.ts";
import type { Session } from "./session.ts";

export interface AppServerOptions extends Omit<ConnectionOptions, "startTimer"> {
  /** Tools that a turn may use besides Letta's own memory tools, by name. */
  readonly toolAllowList: readonly string[];
  /** Tools that a turn may use when a person has approved the call, by name. */
  readonly toolAskList?: readonly string[];
  /** A turn from which nothing comes for this long counts as silent, ms. */
  readonly idleTimeoutMs: number;
  /**
   * How long {@link AppServerBackend.lookUp} waits for Letta's receipt of a turn that may have been completed, ms.
   * Letta holds a receipt back for 30 s when it had handed it to a client that has died since, and keeps none of a turn
   * that was cut off. A shorter wait is safe, but some messages are then asked again that had been answered.
   */
  readonly receiptWithinMs?: number;
  /** The real one when left out. */
  readonly startTimer?: StartTimer;
}

const memoryTools = ["Memory"];
const defaultReceiptWithinMs = 32_000;
const acknowledgeAfterMs = 2_000;
const abortOnCloseMs = 2_000;

/** Letta Code's App Server: JSON frames over one WebSocket. Made for and tried with Letta 0.34. */
export class AppServerBackend implements LettaBackend, AgentCreator, ModelInspector, ToolTaker {
  readonly abilities: LettaAbilities = {
    turnsOutliveWatchers: false,
    gatesEveryTool: true,
    repeatsBrokenAnswers: true,
    holdsConversations: true,
    takesTools: true,
    attachesTools: false,
  };
  readonly #options: LinkOptions;
  readonly #receiptWithinMs: number;
  readonly #link: Link;

  constructor(options: AppServerOptions) {
    const policy = new ToolPolicy(memoryTools, options.toolAllowList, options.toolAskList);
    this.#options = { ...options, startTimer: options.startTimer ?? startTimer, policy, acknowledgeAfterMs };
    this.#receiptWithinMs = options.receiptWithinMs ?? defaultReceiptWithinMs;
    this.#link = new Link(this.#options);
  }

  /** Frames that were let pass since the start, by the reason. */
  get ignoredFrames(): Readonly<Record<Ignored, number>> {
    return this.#link.connection.ignored;
  }

  offer(tools: ExternalTools): void {
    this.#link.offer(tools);
  }

  listAgents(signal: AbortSignal): AsyncIterable<AgentSummary> {
    return listAgents(this.#link.request, signal);
  }

  createAgent(agent: NewAgent, signal: AbortSignal): Promise<AgentSummary> {
    return createAgent(this.#link.request, agent, signal);
  }

  missingModels(signal: AbortSignal): Promise<readonly AgentModel[]> {
    return missingModels(this.#link.request, signal);
  }

  history(agentId: string, limit: number, signal: AbortSignal): Promise<readonly Utterance[]> {
    return readPast(this.#link.request, agentId, limit, signal);
  }

  createConversation(agentId: string, signal: AbortSignal): Promise<Conversation> {
    return create(this.#link.request, agentId, signal);
  }

  branchConversation(from: Conversation, signal: AbortSignal): Promise<Conversation> {
    return branch(this.#link.request, from, signal);
  }

  async *ask(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const session = await this.#join(request.conversation, signal);
    yield* this.#link.asking.ask(session, request, signal);
  }

  async *follow(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const session = await this.#join(request.conversation, signal);
    yield* this.#link.asking.follow(session, request, signal);
  }

  async lookUp(conversation: Conversation, otid: string, signal: AbortSignal): Promise<TurnFate> {
    const session = await this.#join(conversation, signal);
    const { request } = this.#link;
    const { startTimer } = this.#options;
    return await fateOf(otid, { session, request, startTimer, receiptWithinMs: this.#receiptWithinMs, signal });
  }

  async cancel(conversation: Conversation, otid: string, signal: AbortSignal): Promise<void> {
    const session = await this.#join(conversation, signal);
    // A turn of another connection has ended with it.
    if (session.turn?.otid === otid) await this.#link.asking.cancel(session, session.turn);
  }

  /** Stops our turns, since Letta would not free their conversations by itself, and closes the socket. */
  async close(): Promise<void> {
    const { sessions, connection, request } = this.#link;
    const signal = AbortSignal.timeout(abortOnCloseMs);
    const running = sessions.all.filter((session) => session.turn !== undefined);
    await Promise.allSettled(running.map((session) => abort({ session, request, signal })));
    await connection.close();
  }

  #join(conversation: Conversation, signal: AbortSignal): Promise<Session> {
    return this.#link.sessions.open(conversation, this.#link.request, signal);
  }
}
