import type { AgentSummary, Conversation, LettaBackend, TurnEvent, TurnFate, TurnRequest } from "../port.ts";
import { type AgentCreator, createAgent, listAgents, type NewAgent } from "./agents.ts";
import { Asking } from "./asking.ts";
import { AppServerConnection, type ConnectionOptions, type Request } from "./connection.ts";
import { fateOf } from "./fate.ts";
import type { Ignored } from "./frame-reader.ts";
import { createdConversation } from "./frames.ts";
import { abort } from "./free.ts";
import { Sessions } from "./sessions.ts";
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
  /** The real one when left out. */
  readonly startTimer?: StartTimer;
}

const defaultReceiptWithinMs = 32_000;
const abortOnCloseMs = 2_000;

/** Letta Code's App Server: JSON frames over one WebSocket. Made for and tried with Letta 0.34. */
export class AppServerBackend implements LettaBackend, AgentCreator {
  readonly #startTimer: StartTimer;
  readonly #receiptWithinMs: number;
  readonly #connection: AppServerConnection;
  readonly #sessions = new Sessions();
  readonly #asking: Asking;
  readonly #request: Request;

  constructor(options: AppServerOptions) {
    this.#startTimer = options.startTimer ?? startTimer;
    this.#receiptWithinMs = options.receiptWithinMs ?? defaultReceiptWithinMs;
    this.#connection = new AppServerConnection(
      { ...options, startTimer: this.#startTimer },
      {
        frame: (frame) => this.#sessions.handle(frame),
        lost: (error) => this.#sessions.lose(error),
      },
    );
    this.#request = (...request) => this.#connection.request(...request);
    this.#asking = new Asking({
      connection: this.#connection,
      policy: new ToolPolicy(options.toolAllowList),
      startTimer: this.#startTimer,
      idleTimeoutMs: options.idleTimeoutMs,
    });
  }

  /** Frames that were let pass since the start, by the reason. */
  get ignoredFrames(): Readonly<Record<Ignored, number>> {
    return this.#connection.ignored;
  }

  listAgents(signal: AbortSignal): AsyncIterable<AgentSummary> {
    return listAgents(this.#request, signal);
  }

  createAgent(agent: NewAgent, signal: AbortSignal): Promise<AgentSummary> {
    return createAgent(this.#request, agent, signal);
  }

  async createConversation(agentId: string, signal: AbortSignal): Promise<Conversation> {
    const command = { type: "conversation_create", body: { agent_id: agentId } };
    const { conversation } = await this.#request(command, createdConversation, signal);
    return { agentId, conversationId: conversation.id };
  }

  async *ask(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const session = await this.#sessions.open(request.conversation, this.#request, signal);
    yield* this.#asking.ask(session, request, signal);
  }

  async *follow(request: TurnRequest, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const session = await this.#sessions.open(request.conversation, this.#request, signal);
    yield* this.#asking.follow(session, request, signal);
  }

  async lookUp(conversation: Conversation, otid: string, signal: AbortSignal): Promise<TurnFate> {
    const session = await this.#sessions.open(conversation, this.#request, signal);
    return await fateOf(otid, {
      session,
      request: this.#request,
      startTimer: this.#startTimer,
      receiptWithinMs: this.#receiptWithinMs,
      signal,
      free: () => this.#asking.free(session, signal),
    });
  }

  /** Stops our turns, since Letta would not free their conversations by itself, and closes the socket. */
  async close(): Promise<void> {
    const signal = AbortSignal.timeout(abortOnCloseMs);
    const running = this.#sessions.all.filter((session) => session.turn !== undefined);
    await Promise.allSettled(running.map((session) => abort({ session, request: this.#request, signal })));
    await this.#connection.close();
  }
}
