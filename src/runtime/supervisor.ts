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
  /** Its `start` has not resolved yet. */
  #coming: { readonly child: ChildSpec; readonly started: Promise<void> } | undefined;
  #stopping = false;

  constructor(children: readonly ChildSpec[], clock: Clock) {
    this.#children = children;
    this.#clock = clock;
  }

  /** Throws {@link StartFailed}, also when it is asked to stop meanwhile. */
  async start(): Promise<void> {
    this.#stopping = false;
    for (const child of this.#children) {
      const started = begin(() => child.start());
      this.#coming = { child, started };
      try {
        await started;
      } catch (cause) {
        this.#coming = undefined;
        if (!this.#stopping) await this.stop();
        throw new StartFailed(child.id, cause);
      }
      if (this.#stopping) throw new StartFailed(child.id, new Error("it was asked to stop"));
      this.#coming = undefined;
      this.#started = [child, ...this.#started];
    }
  }

  /**
   * Stops what has started, last first, beginning with what is coming up. Takes at most the sum of the deadlines, and
   * never throws.
   */
  async stop(): Promise<ReadonlyMap<string, StopOutcome>> {
    const outcomes = new Map<string, StopOutcome>();
    const coming = this.#coming;
    const children = this.#started;
    this.#stopping = true;
    this.#coming = undefined;
    this.#started = [];
    if (coming !== undefined) {
      const { child, started } = coming;
      outcomes.set(child.id, await this.#within(child, () => started.then(() => child.stop())));
    }
    for (const child of children) outcomes.set(child.id, await this.#within(child, () => child.stop()));
    return outcomes;
  }

  async #within({ shutdown }: ChildSpec, stop: () => Promise<void>): Promise<StopOutcome> {
    const waited = new AbortController();
    const stopped = begin(stop).then(
      (): StopOutcome => "stopped",
      (): StopOutcome => "failed",
    );
    const overdue = sleep(this.#clock, shutdown, waited.signal).then(
      (): StopOutcome => "overdue",
      (): StopOutcome => "stopped",
    );
    const outcome = await Promise.race([stopped, overdue]);
    waited.abort();
    return outcome;
  }
}

/** What `run` throws at once is a rejection, too. */
async function begin(run: () => Promise<void>): Promise<void> {
  await run();
}
