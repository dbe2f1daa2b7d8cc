import { Asking } from "./asking.ts";
import { AppServerConnection, type ConnectionOptions, type Request } from "./connection.ts";
import { Sessions } from "./sessions.ts";
import type { ToolPolicy } from "./tools.ts";

export interface LinkOptions extends ConnectionOptions {
  readonly policy: ToolPolicy;
  readonly idleTimeoutMs: number;
}

/** A connection with all that is known by it. */
export class Link {
  readonly connection: AppServerConnection;
  readonly sessions = new Sessions();
  readonly asking: Asking;
  readonly request: Request;
  #worn = false;

  constructor(options: LinkOptions) {
    this.connection = new AppServerConnection(options, {
      frame: (frame) => this.sessions.handle(frame),
      lost: (error) => this.sessions.lose(error),
    });
    this.request = (...request) => this.connection.request(...request);
    this.asking = new Asking({
      connection: this.connection,
      policy: options.policy,
      startTimer: options.startTimer,
      idleTimeoutMs: options.idleTimeoutMs,
      onReleased: () => {
        this.#worn = true;
      },
    });
  }

  /** Takes another socket when that is due and ends no turn. */
  async renew(): Promise<void> {
    const { all } = this.sessions;
    const due = this.#worn || all.some((session) => session.withoutTools);
    if (!due || all.some((session) => session.turn !== undefined)) return;
    this.#worn = false;
    await this.connection.drop();
  }
}
