import type { ToolPolicy } from "../tools.ts";
import { Asking } from "./asking.ts";
import { AppServerConnection, type ConnectionOptions, type Request } from "./connection.ts";
import type { TurnFinished } from "./frames.ts";
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
  readonly sessions = new Sessions();
  readonly asking: Asking;
  readonly request: Request;
  readonly #options: LinkOptions;
  readonly #acknowledgements = new Set<() => void>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.connection = new AppServerConnection(options, {
      frame: (frame) => {
        this.sessions.handle(frame);
        if (frame.type === "turn_finished") this.#acknowledgeLater(frame);
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
