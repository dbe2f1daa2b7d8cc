import type { ActorId } from "../actor-id.ts";
import type { Behaviour } from "../behaviour.ts";
import { type Clock, sleep } from "../clock.ts";
import type { EffectContext } from "../effect.ts";
import { toFailure } from "../failure.ts";
import { jittered } from "../jitter.ts";
import { assertPlainJson } from "../json.ts";
import type { ActorEvent } from "../record.ts";
import type { Stimulus } from "../step.ts";
import { Watchdog } from "../supervision/watchdog.ts";
import { keys } from "./keys.ts";
import type { EffectRow } from "./rows.ts";
import { put, type Store } from "./store.ts";

/** Why a running effect was aborted. */
export class EffectAborted extends Error {
  override readonly name = "AbortError";
}

/** An effect that should give signs of life has given none. */
export class EffectSilent extends Error {
  override readonly name = "EffectSilent";

  constructor(effect: string, limit: number) {
    super(`the effect "${effect}" has given no sign of life for ${limit / 1_000} s`);
  }
}

export interface RunnerHost {
  /** Gives the actor the result of one of its effects, or an event from it. Resolves when durable. */
  deliver(stimulus: Stimulus, cause: string): Promise<void>;
  /** Whether the effect is one that the actor still has, as of its last step. */
  owns(key: string): boolean;
  /** An action has been done: its row may go. */
  done(key: string): void;
  /** A child effect has given a sign of life. */
  beat(key: string): void;
  /** A child effect has given none for too long. */
  silent(key: string, error: EffectSilent): void;
  /** An action could not be done within its life. */
  abandon(key: string, row: EffectRow, error: unknown): void;
}

export interface RunnerOptions {
  readonly clock: Clock;
  readonly jitterSeed: string;
  /** How long an action is repeated before it is given up, ms. */
  readonly actionLife: number;
}

interface Running {
  readonly row: EffectRow;
  readonly controller: AbortController;
  readonly received: ActorEvent[];
  listener: ((event: ActorEvent) => void) | undefined;
  watchdog: Watchdog | undefined;
  /** Rejects with what the listener throws: that is the effect's failure. */
  readonly broken: PromiseWithResolvers<never>;
}

const shortestRetry = 500;
const longestRetry = 60_000;
const longestFarewell = 5_000;

/** Runs the effects of one incarnation of one actor: those of a lane one after the other, all others at once. */
export class EffectRunner {
  readonly #actor: ActorId;
  readonly #behaviour: Behaviour;
  readonly #store: Store;
  readonly #host: RunnerHost;
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Running>();
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #settling = new Set<Promise<void>>();
  #ended = false;

  constructor(actor: ActorId, behaviour: Behaviour, store: Store, host: RunnerHost, options: RunnerOptions) {
    this.#actor = actor;
    this.#behaviour = behaviour;
    this.#store = store;
    this.#host = host;
    this.#options = options;
  }

  /** `restarted` tells that an earlier incarnation or process may have begun it. */
  start(key: string, row: EffectRow, restarted: boolean): void {
    if (this.#ended || this.#running.has(key)) return;
    const { start } = row;
    const running: Running = {
      row,
      controller: new AbortController(),
      received: [],
      listener: undefined,
      watchdog: undefined,
      broken: Promise.withResolvers<never>(),
    };
    this.#running.set(key, running);
    if (start.kind === "send") return this.send(start.generation, start.event);
    const lane = this.#behaviour.lanes.get(start.name);
    const before = lane === undefined ? undefined : this.#lanes.get(lane);
    const settled = this.#run(key, running, restarted, before).finally(() => {
      this.#settling.delete(settled);
      if (lane !== undefined && this.#lanes.get(lane) === settled) this.#lanes.delete(lane);
    });
    this.#settling.add(settled);
    if (lane !== undefined) this.#lanes.set(lane, settled);
  }

  /** Stops running a row, because its child has ended. */
  end(key: string): void {
    const running = this.#running.get(key);
    this.#running.delete(key);
    running?.controller.abort(new EffectAborted("the chart left the state that ran this effect"));
  }

  /** Aborts everything, so that late results go nowhere, and starts nothing more. The rows stay in the store. */
  abortAll(reason: string): void {
    this.#ended = true;
    for (const [key, { controller }] of [...this.#running]) {
      this.#running.delete(key);
      controller.abort(new EffectAborted(reason));
    }
  }

  /** Resolves when no effect runs any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#settling);
  }

  /** The same, but waits only so long for those that do not heed their abort: they reach nobody any more. */
  async farewell(): Promise<void> {
    const waited = new AbortController();
    const late = sleep(this.#options.clock, longestFarewell, waited.signal).catch(() => undefined);
    await Promise.race([this.settled(), late]);
    waited.abort();
  }

  /** Gives a running child a message. */
  send(generation: number, event: ActorEvent): void {
    for (const { row, received, listener, broken } of this.#running.values()) {
      if (row.start.kind !== "child" || row.start.generation !== generation) continue;
      received.push(event);
      try {
        listener?.(event);
      } catch (error) {
        broken.reject(error);
      }
    }
  }

  async #run(key: string, running: Running, restarted: boolean, before: Promise<void> | undefined): Promise<void> {
    if (before !== undefined) await before;
    if (this.#running.get(key) !== running) return;
    const { start } = running.row;
    if (start.kind === "child") await this.#runChild(key, running, start, restarted);
    else if (start.kind === "action") await this.#runAction(key, running, start, restarted);
  }

  async #runChild(
    key: string,
    running: Running,
    start: Extract<EffectRow["start"], { kind: "child" }>,
    restarted: boolean,
  ): Promise<void> {
    const { child, generation, name, input } = start;
    const effect = this.#behaviour.children[name];
    const { signal } = running.controller;
    this.#watch(key, running, name);
    let stimulus: Stimulus;
    try {
      if (effect === undefined) throw new Error(`effect "${name}" is not known to this version`);
      const output = await Promise.race([
        effect(input, this.#context(key, running, restarted)),
        running.broken.promise,
      ]);
      assertPlainJson(output, `output of "${name}"`);
      stimulus = { kind: "done", child, generation, output };
    } catch (error) {
      stimulus = { kind: "error", child, generation, error: toFailure(error) };
    }
    running.watchdog?.stop();
    if (!signal.aborted) await this.#host.deliver(stimulus, name).catch(ignoreStopped);
  }

  #watch(key: string, running: Running, name: string): void {
    const limit = this.#behaviour.silence.get(name);
    if (limit === undefined) return;
    const watchdog = new Watchdog(this.#options.clock, limit, () =>
      this.#host.silent(key, new EffectSilent(name, limit)),
    );
    running.watchdog = watchdog;
    running.controller.signal.addEventListener("abort", () => watchdog.stop(), { once: true });
  }

  async #runAction(
    key: string,
    running: Running,
    start: Extract<EffectRow["start"], { kind: "action" }>,
    restarted: boolean,
  ): Promise<void> {
    const { clock, jitterSeed, actionLife } = this.#options;
    const { signal } = running.controller;
    const effect = this.#behaviour.actions[start.name];
    // What an earlier process has tried counts by the clock, what this one tries by the time that passes: somebody may set it.
    const begunAt = clock.elapsed() - (restarted ? Math.max(0, clock.now() - running.row.at) : 0);
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        if (effect === undefined) throw new Error(`effect "${start.name}" is not known to this version`);
        await effect(start.input, this.#context(key, running, restarted || attempt > 0));
        if (signal.aborted) return;
        this.#finish(key, running);
        return this.#host.done(key);
      } catch (error) {
        if (signal.aborted) return;
        if (clock.elapsed() - begunAt >= actionLife) {
          this.#finish(key, running);
          return this.#host.abandon(key, running.row, error);
        }
        const asked = toFailure(error).retryAfterMs ?? 0;
        const backoff = Math.min(longestRetry, shortestRetry * 2 ** Math.min(attempt, 10));
        const wait = Math.max(asked, jittered(backoff, `${jitterSeed} ${key} ${attempt}`));
        await sleep(clock, wait, signal).catch(() => undefined);
      }
    }
  }

  /** From here on the effect is over, also for promises that it has left behind. */
  #finish(key: string, { controller }: Running): void {
    this.#running.delete(key);
    controller.abort(new EffectAborted("the effect has ended"));
  }

  #context(key: string, running: Running, restarted: boolean): EffectContext {
    const actor = this.#actor;
    const store = this.#store;
    const host = this.#host;
    const { row, controller, received } = running;
    const name = row.start.kind === "send" ? row.start.event.type : row.start.name;
    const noted = restarted ? store.get(keys.checkpoint(key)) : undefined;
    const checkpointed: unknown = noted === undefined ? undefined : JSON.parse(noted);
    // The step that ends an effect aborts it only once it is durable: until then the signal does not tell.
    const assertOwned = (): void => {
      controller.signal.throwIfAborted();
      if (!host.owns(key)) throw new EffectAborted("the chart left the state that ran this effect");
    };
    const beat = (): void => {
      if (running.watchdog === undefined || controller.signal.aborted) return;
      running.watchdog.beat();
      host.beat(key);
    };
    return {
      self: actor,
      signal: controller.signal,
      restarted,
      checkpointed,
      beat,
      async checkpoint(value) {
        assertOwned();
        beat();
        await store.commit([put(keys.checkpoint(key), value)]);
      },
      async emit(event) {
        assertOwned();
        beat();
        assertPlainJson(event, `event "${event.type}"`);
        await host.deliver({ kind: "event", event }, name);
      },
      receive(listener) {
        running.listener = listener;
        received.forEach(listener);
      },
    };
  }
}

/** A result that comes while the host stops is not lost: the effect runs again after the next start. */
function ignoreStopped(): void {}
