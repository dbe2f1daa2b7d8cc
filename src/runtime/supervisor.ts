import { type Clock, sleep } from "./clock.ts";

/** Something with a life of its own within the process. */
export interface ChildSpec {
  readonly id: string;
  /** Resolves when the child is ready to be used by those that start after it. */
  start(): Promise<void>;
  /** Ends the child. Called only when `start` has resolved. */
  stop(): Promise<void>;
  /** How long `stop` may take, ms; then the supervisor goes on without it. */
  readonly shutdown: number;
}

/** A child did not start; those before it have been stopped again. */
export class StartFailed extends Error {
  override readonly name = "StartFailed";
  readonly child: string;

  constructor(child: string, cause: unknown) {
    super(`"${child}" did not start: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.child = child;
  }
}

export type StopOutcome = "stopped" | "failed" | "overdue";

/** Starts its children in order and stops them in reverse. */
export class Supervisor {
  readonly #children: readonly ChildSpec[];
  readonly #clock: Clock;
  #started: readonly ChildSpec[] = [];

  constructor(children: readonly ChildSpec[], clock: Clock) {
    this.#children = children;
    this.#clock = clock;
  }

  /** Throws {@link StartFailed}. */
  async start(): Promise<void> {
    for (const child of this.#children) {
      try {
        await child.start();
        this.#started = [child, ...this.#started];
      } catch (cause) {
        await this.stop();
        throw new StartFailed(child.id, cause);
      }
    }
  }

  /** Stops what has started, last first. Takes at most the sum of the deadlines, and never throws. */
  async stop(): Promise<ReadonlyMap<string, StopOutcome>> {
    const outcomes = new Map<string, StopOutcome>();
    const children = this.#started;
    this.#started = [];
    for (const child of children) outcomes.set(child.id, await this.#stopOne(child));
    return outcomes;
  }

  async #stopOne(child: ChildSpec): Promise<StopOutcome> {
    const waited = new AbortController();
    const stopped = child.stop().then(
      (): StopOutcome => "stopped",
      (): StopOutcome => "failed",
    );
    const overdue = sleep(this.#clock, child.shutdown, waited.signal).then(
      (): StopOutcome => "overdue",
      (): StopOutcome => "stopped",
    );
    const outcome = await Promise.race([stopped, overdue]);
    waited.abort();
    return outcome;
  }
}
