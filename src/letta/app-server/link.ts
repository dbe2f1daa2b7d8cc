import type { ExternalTools } from "../port.ts";
import type { ToolPolicy } from "../tools.ts";
import { Asking } from "./asking.ts";
import { AppServerConnection, type ConnectionOptions, type Request } from "./connection.ts";
import { answerCall } from "./external-calls.ts";
import type { ExternalCall, TurnFinished } from "./frames.ts";
import { Sessions } from "./sessions.ts";

export interface LinkOptions extends ConnectionOptions {
  readonly policy: ToolPolicy;
  readonly idleTimeoutMs: number;
  /** How long after a turn's end its receipt is acknowledged, ms. */
  readonly acknowledgeAfterMs: number;
}

const never = new AbortController().signal;

/** A connection with all that is known by it. */
export class Link {
  readonly connection: AppServerConnection;
  readonly sessions = new Sessions(() => this.#tools);
  readonly asking: Asking;
  readonly request: Request;
  readonly #options: LinkOptions;
  readonly #acknowledgements = new Set<() => void>();
  #tools: ExternalTools | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.connection = new AppServerConnection(options, {
      frame: (frame) => {
        this.sessions.handle(frame);
        if (frame.type === "turn_finished") this.#acknowledgeLater(frame);
        if (frame.type === "external_tool_call_request") this.#answer(frame);
      },
      lost: (error) => {
        for (const cancel of this.#acknowledgements) cancel();
        this.#acknowledgements.clear();
        this.sessions.lose(error);
      },
    });
    this.request = (...request) => this.connection.request(...request);
    this.asking = new Asking({
      connection: this.connection,
      policy: options.policy,
      startTimer: options.startTimer,
      idleTimeoutMs: options.idleTimeoutMs,
    });
  }

  /** Sessions that are opened from now on have these tools. */
  offer(tools: ExternalTools): void {
    this.#tools = tools;
    this.#options.policy.allow(tools.list.map(({ name }) => name));
  }

  #answer(call: ExternalCall): void {
    const session = this.sessions.of(call);
    if (session === undefined || this.#tools === undefined) return;
    // An answer that cannot be sent is not missed: the turn has ended with its connection.
    answerCall(session, call, this.#tools, this.connection).catch(() => {});
  }

  /**
   * By then whoever asked has written the answer down. Letta looks through all open receipts at each turn, so that they
   * must not become many.
   */
  #acknowledgeLater({ runtime, idempotency_key, terminal_consumer_ids = [] }: TurnFinished): void {
    const { acknowledgeAfterMs, startTimer } = this.#options;
    if (idempotency_key === undefined || terminal_consumer_ids.length === 0) return;
    const cancel = startTimer(acknowledgeAfterMs, () => {
      this.#acknowledgements.delete(cancel);
      for (const consumer_id of terminal_consumer_ids) {
        const acknowledgement = { type: "turn_finished_ack", runtime, idempotency_key, consumer_id };
        // A receipt that is not acknowledged lasts for a day, and no longer.
        this.connection.post(acknowledgement, never).catch(() => {});
      }
    });
    this.#acknowledgements.add(cancel);
  }
}
