import { type Cancel, type Clock, sleep } from "./clock.ts";
import { Backoff, type BackoffPolicy } from "./supervision/backoff.ts";
import { SlidingWindow } from "./supervision/sliding-window.ts";

/** A child that is up. */
export interface RunningChild {
  /** Ends it. Not called once it has ended by itself. */
  stop(): Promise<unknown>;
  /**
   * Settles when the child has ended by itself: resolves when it was done, rejects when it failed. By then it holds on to
   * nothing any more. Left out by children that end only when they are asked to.
   */
  readonly ended?: Promise<unknown>;
  /** Of one that is a supervisor itself: those under it. */
  children?(): readonly ChildStatus[];
}

/** How a child is doing. `waiting`: those before it have not started yet. `ended`: it does not come back by itself. */
export interface ChildStatus {
  readonly id: string;
  readonly restart: ChildSpec["restart"];
  readonly state: "waiting" | "starting" | "running" | "restarting" | "ended";
  /** How often it has been started. */
  readonly incarnation: number;
  readonly children?: readonly ChildStatus[];
}

export interface ChildContext {
  /** 1 at the first start, and one more with each restart. */
  readonly incarnation: number;
  /** Aborted when this incarnation is over, or is asked to stop while it starts: what it says later reaches nobody. */
  readonly signal: AbortSignal;
}

/** Something with a life of its own within the process. */
export interface ChildSpec {
  readonly id: string;
  /**
   * When it has ended by itself: `permanent` children are always started again, `transient` ones when they failed,
   * `temporary` ones never.
   */
  readonly restart: "permanent" | "transient" | "temporary";
  /** Resolves when the child is ready to be used by those that start after it. */
  start(context: ChildContext): Promise<RunningChild>;
  /** How long `stop` may take, ms; then the supervisor goes on without it. */
  readonly shutdown: number;
}

export interface SupervisorOptions {
  readonly children: readonly ChildSpec[];
  /** Who is started again with a child: it alone, all, or it and those that were started after it. */
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  /** More restarts than this within `period` ms, and the supervisor itself fails. */
  readonly intensity: number;
  readonly period: number;
  readonly backoff: BackoffPolicy;
  /** Spreads the backoffs. */
  readonly jitterSeed: string;
  readonly clock: Clock;
  /** Called for each child that is started again. */
  readonly onRestart?: (restart: ChildRestart) => void;
  /** `onRestart` threw. The child is started again all the same. */
  readonly onListenerError?: (error: unknown) => void;
}

export interface ChildRestart {
  readonly child: string;
  /** The one that has ended. */
  readonly incarnation: number;
  /** `undefined` for one that was done. */
  readonly error: unknown;
  /** Restarts within the period, this one included. */
  readonly restarts: number;
  /** Milliseconds until it is started again. */
  readonly delay: number;
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

/** A child ended more often than it may; all have been stopped. */
export class IntensityExceeded extends Error {
  override readonly name = "IntensityExceeded";
  readonly child: string;

  constructor(child: string, { intensity, period }: Pick<SupervisorOptions, "intensity" | "period">, cause: unknown) {
    const why = cause instanceof Error ? cause.message : "it was done";
    super(`"${child}" ended (${why}), and more than ${intensity} restarts within ${period} ms are too many`, { cause });
    this.child = child;
  }
}

export type StopOutcome = "stopped" | "failed" | "overdue";

/** One incarnation of a child. */
interface Life {
  readonly controller: AbortController;
  readonly started: Promise<RunningChild>;
  /** Once it is up. */
  running?: RunningChild;
}

/** A child's place in the order; at most one incarnation has it. */
interface Slot {
  readonly spec: ChildSpec;
  readonly backoff: Backoff;
  life: Life | undefined;
  incarnation: number;
  /** A temporary child that was stopped or has ended: it does not come back. */
  gone: boolean;
}

/** Slots that wait for being started again, together. */
interface Waiting {
  readonly slots: ReadonlySet<Slot>;
  readonly due: number;
  readonly cancel: Cancel;
}

/**
 * Starts its children in order, starts again those that end by themselves, and stops them in reverse. A supervisor is a
 * running child itself: whoever makes one in `start`, starts it and returns it, nests it.
 */
export class Supervisor implements RunningChild {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  readonly #restarts: SlidingWindow;
  readonly #failed = Promise.withResolvers<never>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #closing = new Set<Promise<StopOutcome>>();
  /** What is done about one ended child is done before the next is looked at. */
  #work: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    const { children, backoff, clock, period } = options;
    this.#options = options;
    this.#slots = children.map((spec) => ({
      spec,
      backoff: new Backoff(backoff, clock.elapsed()),
      life: undefined,
      incarnation: 0,
      gone: false,
    }));
    this.#restarts = new SlidingWindow(period);
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects with {@link IntensityExceeded} when its children end too often. */
  get ended(): Promise<never> {
    return this.#failed.promise;
  }

  /** In the order in which they start. */
  children(): readonly ChildStatus[] {
    return this.#slots.map(({ spec: { id, restart }, life, incarnation, gone }) => {
      const up = life?.running;
      const down = gone ? "ended" : incarnation === 0 ? "waiting" : "restarting";
      const state = life === undefined ? down : up === undefined ? "starting" : "running";
      const children = up?.children?.();
      return { id, restart, state, incarnation, ...(children !== undefined && { children }) };
    });
  }

  /** Throws {@link StartFailed}, also when it is asked to stop meanwhile. Starts once. */
  start(): Promise<void> {
    const started = this.#startAll();
    this.#work = started.catch(() => undefined);
    return started;
  }

  /**
   * Stops what has started, last first, beginning with what is coming up. Takes at most the sum of the deadlines, and
   * never throws.
   */
  async stop(): Promise<ReadonlyMap<string, StopOutcome>> {
    this.#stopping = true;
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
    const leaving = [...this.#closing];
    const taken = this.#slots.flatMap((slot) => {
      const life = take(slot);
      return life === undefined ? [] : [{ spec: slot.spec, life }];
    });
    await Promise.all(leaving);
    const outcomes = new Map<string, StopOutcome>();
    for (const { spec, life } of taken.toReversed()) outcomes.set(spec.id, await this.#close(spec, life));
    return outcomes;
  }

  async #startAll(): Promise<void> {
    for (const slot of this.#slots) {
      try {
        await this.#begin(slot);
      } catch (cause) {
        if (!this.#stopping) await this.stop();
        throw new StartFailed(slot.spec.id, cause);
      }
    }
  }

  async #begin(slot: Slot): Promise<void> {
    const controller = new AbortController();
    const incarnation = ++slot.incarnation;
    const started = begin(() => slot.spec.start({ incarnation, signal: controller.signal }));
    const life: Life = { controller, started };
    slot.life = life;
    let running: RunningChild;
    try {
      running = await life.started;
    } catch (error) {
      if (slot.life === life) slot.life = undefined;
      controller.abort(error);
      throw error;
    }
    if (slot.life !== life) throw new Error("it was asked to stop");
    life.running = running;
    slot.backoff.begun(this.#options.clock.elapsed());
    running.ended?.then(
      () => this.#ended(slot, life, { failed: false, error: undefined }),
      (error: unknown) => this.#ended(slot, life, { failed: true, error }),
    );
  }

  #ended(slot: Slot, life: Life, { failed, error }: { readonly failed: boolean; readonly error: unknown }): void {
    if (slot.life !== life) return;
    slot.life = undefined;
    life.controller.abort(error);
    const { restart } = slot.spec;
    slot.gone = restart === "temporary";
    if (restart === "permanent" || (restart === "transient" && failed)) this.#enqueue(() => this.#restart(slot, error));
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(() => (this.#stopping ? undefined : work()));
  }

  async #restart(slot: Slot, error: unknown): Promise<void> {
    const { clock, intensity, jitterSeed } = this.#options;
    const { spec, incarnation } = slot;
    const now = clock.elapsed();
    const restarts = this.#restarts.add(now);
    if (restarts > intensity) {
      await this.stop();
      return this.#failed.reject(new IntensityExceeded(spec.id, this.#options, error));
    }
    const delay = slot.backoff.failed(now, `${jitterSeed} ${spec.id} ${incarnation}`);
    this.#notify({ child: spec.id, incarnation, error, restarts, delay });
    const together = this.#restartedWith(slot);
    for (const one of together.toReversed()) {
      const life = take(one);
      if (life === undefined) continue;
      one.gone = one.spec.restart === "temporary";
      await this.#close(one.spec, life);
    }
    if (!this.#stopping) this.#await(together, now + delay);
  }

  /** Whoever watches cannot harm it: that is not what it is there to mend. */
  #notify(restart: ChildRestart): void {
    try {
      this.#options.onRestart?.(restart);
    } catch (error) {
      this.#options.onListenerError?.(error);
    }
  }

  #restartedWith(slot: Slot): readonly Slot[] {
    switch (this.#options.strategy) {
      case "one_for_one":
        return [slot];
      case "one_for_all":
        return this.#slots;
      case "rest_for_one":
        return this.#slots.slice(this.#slots.indexOf(slot));
    }
  }

  /** Those that must not start without each other wait for the one that waits longest. */
  #await(slots: readonly Slot[], due: number): void {
    const { clock, strategy } = this.#options;
    const group = strategy === "one_for_one" ? (slots[0]?.spec.id ?? "") : "";
    const before = this.#waiting.get(group);
    before?.cancel();
    const all = new Set([...(before?.slots ?? []), ...slots]);
    const latest = Math.max(due, before?.due ?? due);
    const cancel = clock.schedule(Math.max(0, latest - clock.elapsed()), () => {
      this.#enqueue(() => this.#startAgain(group));
    });
    this.#waiting.set(group, { slots: all, due: latest, cancel });
  }

  /** Another child may have ended since the time came, so that they wait for longer now. */
  async #startAgain(group: string): Promise<void> {
    const waiting = this.#waiting.get(group);
    if (waiting === undefined || waiting.due > this.#options.clock.elapsed()) return;
    waiting.cancel();
    this.#waiting.delete(group);
    for (const slot of this.#slots) {
      if (!waiting.slots.has(slot) || slot.gone) continue;
      try {
        await this.#begin(slot);
      } catch (error) {
        if (!this.#stopping) await this.#restart(slot, error);
        return;
      }
    }
  }

  #close(spec: ChildSpec, { started, controller }: Life): Promise<StopOutcome> {
    const closing = this.#within(spec, () => started.then((child) => child.stop())).finally(() => {
      controller.abort(new Error("it was stopped"));
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
    return closing;
  }

  async #within({ shutdown }: ChildSpec, stop: () => Promise<unknown>): Promise<StopOutcome> {
    const waited = new AbortController();
    const stopped = begin(stop).then(
      (): StopOutcome => "stopped",
      (): StopOutcome => "failed",
    );
    const overdue = sleep(this.#options.clock, shutdown, waited.signal).then(
      (): StopOutcome => "overdue",
      (): StopOutcome => "stopped",
    );
    const outcome = await Promise.race([stopped, overdue]);
    waited.abort();
    return outcome;
  }
}

/** Ends an incarnation for its slot: whatever it says from here on is late. */
function take(slot: Slot): Life | undefined {
  const { life } = slot;
  slot.life = undefined;
  if (life !== undefined && life.running === undefined) life.controller.abort(new Error("it was asked to stop"));
  return life;
}

/** What `run` throws at once is a rejection, too. */
async function begin<T>(run: () => Promise<T>): Promise<T> {
  return await run();
}
