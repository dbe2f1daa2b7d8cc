import type { ActorId } from "../actor-id.ts";
import type { Behaviour } from "../behaviour.ts";
import { type Clock, sleep } from "../clock.ts";
import type { EffectContext } from "../effect.ts";
import { toFailure } from "../failure.ts";
import { jittered } from "../jitter.ts";
import { assertPlainJson } from "../json.ts";
import type { ActorEvent } from "../record.ts";
import type { Stimulus } from "../step.ts";
import type { EffectRow } from "./effect-row.ts";
import { keys } from "./keys.ts";
import { put, type Store } from "./store.ts";

/** Why a running effect was aborted. */
export class EffectAborted extends Error {
  override readonly name = "AbortError";
}

export interface RunnerHost {
  /** Gives the actor the result of one of its effects, or an event from it. Resolves when durable. */
  deliver(stimulus: Stimulus, cause: string): Promise<void>;
  /** An action has been done: its row may go. */
  done(key: string): void;
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
}

const shortestRetry = 500;
const longestRetry = 60_000;

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
    const running: Running = { row, controller: new AbortController(), received: [], listener: undefined };
    this.#running.set(key, running);
    if (start.kind === "send") return this.#send(start.generation, start.event);
    const lane = this.#behaviour.lane(start.name, start.input);
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

  #send(generation: number, event: ActorEvent): void {
    for (const { row, received, listener } of this.#running.values())
      if (row.start.kind === "child" && row.start.generation === generation) {
        received.push(event);
        listener?.(event);
      }
  }

  async #run(key: string, running: Running, restarted: boolean, before: Promise<void> | undefined): Promise<void> {
    if (before !== undefined) await before;
    if (this.#running.get(key) !== running) return;
    const { start } = running.row;
    const context = this.#context(key, running, restarted);
    if (start.kind === "child") await this.#runChild(running, start, context);
    else if (start.kind === "action") await this.#runAction(key, running, start, context);
  }

  async #runChild(
    running: Running,
    start: Extract<EffectRow["start"], { kind: "child" }>,
    context: EffectContext,
  ): Promise<void> {
    const { child, generation, name, input } = start;
    const effect = this.#behaviour.children[name];
    const { signal } = running.controller;
    let stimulus: Stimulus;
    try {
      if (effect === undefined) throw new Error(`effect "${name}" is not known to this version`);
      const output = await effect(input, context);
      assertPlainJson(output, `output of "${name}"`);
      stimulus = { kind: "done", child, generation, output };
    } catch (error) {
      stimulus = { kind: "error", child, generation, error: toFailure(error) };
    }
    if (!signal.aborted) await this.#host.deliver(stimulus, name).catch(ignoreStopped);
  }

  async #runAction(
    key: string,
    running: Running,
    start: Extract<EffectRow["start"], { kind: "action" }>,
    context: EffectContext,
  ): Promise<void> {
    const { clock, jitterSeed, actionLife } = this.#options;
    const { signal } = running.controller;
    const effect = this.#behaviour.actions[start.name];
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        if (effect === undefined) throw new Error(`effect "${start.name}" is not known to this version`);
        await effect(start.input, attempt === 0 ? context : { ...context, restarted: true });
        if (!signal.aborted) {
          this.#running.delete(key);
          this.#host.done(key);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (clock.now() - running.row.at >= actionLife) {
          this.#running.delete(key);
          return this.#host.abandon(key, running.row, error);
        }
        const asked = toFailure(error).retryAfterMs ?? 0;
        const backoff = Math.min(longestRetry, shortestRetry * 2 ** Math.min(attempt, 10));
        const wait = jittered(Math.max(asked, backoff), `${jitterSeed} ${key} ${attempt}`);
        await sleep(clock, wait, signal).catch(() => undefined);
      }
    }
  }

  #context(key: string, running: Running, restarted: boolean): EffectContext {
    const actor = this.#actor;
    const store = this.#store;
    const host = this.#host;
    const { row, controller, received } = running;
    const name = row.start.kind === "send" ? row.start.event.type : row.start.name;
    const noted = restarted ? store.get(keys.checkpoint(key)) : undefined;
    const checkpointed: unknown = noted === undefined ? undefined : JSON.parse(noted);
    return {
      self: actor,
      signal: controller.signal,
      restarted,
      checkpointed,
      async checkpoint(value) {
        controller.signal.throwIfAborted();
        await store.commit([put(keys.checkpoint(key), value)]);
      },
      async emit(event) {
        controller.signal.throwIfAborted();
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
