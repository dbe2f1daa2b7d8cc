import type { StateValue } from "xstate";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import type { Behaviour } from "../../src/runtime/behaviour.ts";
import type { Failure } from "../../src/runtime/failure.ts";
import type { ActorEvent, ActorRecord } from "../../src/runtime/record.ts";
import {
  type ActionStart,
  type ChildStart,
  type Step,
  type Stimulus,
  step,
  type Tell,
} from "../../src/runtime/step.ts";
import { thawed } from "../runtime/tiny-chart.ts";

/** A failure as the runtime hands it to a chart. */
export function failure(kind: string, retryAfterMs?: number): Failure {
  return { name: "Error", message: `it failed: ${kind}`, kind, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

interface Forked {
  readonly at: number;
  readonly running: ReadonlyMap<string, ChildStart>;
  readonly record: ActorRecord;
}

/**
 * One actor without a host: its steps alone, each taken on the record as JSON gives it back. Effects are ended and
 * timers fired by the test; time passes only then.
 */
export class ChartDriver<TContext> {
  readonly #behaviour: Behaviour;
  readonly #id: ActorId;
  #record: ActorRecord;
  at: number;
  /** The effects that run, by the child's id. */
  readonly running = new Map<string, ChildStart>();
  readonly tells: Tell[] = [];
  readonly actions: ActionStart[] = [];
  /** Called after each step. */
  readonly #watch: (step: Step) => void;

  constructor(behaviour: Behaviour, id: ActorId, watch: (step: Step) => void = () => undefined, from?: Forked) {
    this.#behaviour = behaviour;
    this.#id = id;
    this.#watch = watch;
    this.at = from?.at ?? 1_000_000;
    for (const [child, start] of from?.running ?? []) this.running.set(child, start);
    this.#record = from?.record ?? this.#absorb(this.#step(undefined, { kind: "start" }));
  }

  /** Another actor that stands where this one does, and goes its own way from here. */
  fork(watch: (step: Step) => void = this.#watch): ChartDriver<TContext> {
    const { at, running, record } = this;
    return new ChartDriver(this.#behaviour, this.#id, watch, { at, running, record });
  }

  get context(): TContext {
    return this.#record.context as TContext;
  }

  get value(): StateValue {
    return this.#record.value;
  }

  get record(): ActorRecord {
    return this.#record;
  }

  /** Ids of the pending timers and how long they still take, ms. */
  get timers(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#record.timers).map(([id, { due }]) => [id, due - this.at]));
  }

  /** True when this state is active: `turn`, or `turn.asking`. */
  in(path: string): boolean {
    const walk = (value: StateValue | undefined, [first, ...rest]: readonly string[]): boolean => {
      if (first === undefined) return true;
      if (typeof value === "string") return value === first && rest.length === 0;
      return value !== undefined && first in value && walk(value[first], rest);
    };
    return walk(this.value, path.split("."));
  }

  /** What the running effect works on. */
  inputOf<TInput>(child: string): TInput {
    return this.#running(child).input as TInput;
  }

  send(event: ActorEvent): Step {
    return this.#taken(this.take({ kind: "event", event }));
  }

  /** The running effect ends well. */
  done(child: string, output?: unknown): Step {
    const { generation } = this.#running(child);
    return this.#taken(this.take({ kind: "done", child, generation, output }));
  }

  fail(child: string, error: Failure): Step {
    const { generation } = this.#running(child);
    return this.#taken(this.take({ kind: "error", child, generation, error }));
  }

  /** Lets time pass until the timer is due, and fires it. */
  fire(timer: string): Step {
    const pending = this.#record.timers[timer];
    if (pending === undefined) throw new Error(`no timer "${timer}" is pending`);
    this.at = Math.max(this.at, pending.due);
    return this.#taken(this.take({ kind: "timer", timer, generation: pending.generation }));
  }

  /** Fires the only timer there is, and tells how long it took. */
  fireNext(): number {
    const [timer, ...others] = this.timers.keys();
    if (timer === undefined || others.length > 0) throw new Error(`not one timer, but ${[...this.timers.keys()]}`);
    const before = this.at;
    this.fire(timer);
    return this.at - before;
  }

  /** `undefined` when the stimulus is stale. */
  take(stimulus: Stimulus): Step | undefined {
    const taken = this.#step(this.#record, stimulus);
    if (taken !== undefined) this.#record = this.#absorb(taken);
    return taken;
  }

  #step(record: ActorRecord | undefined, stimulus: Stimulus): Step | undefined {
    return step({ behaviour: this.#behaviour, id: this.#id, record, stimulus, at: this.at, jitterSeed: "seed" });
  }

  #absorb(taken: Step | undefined): ActorRecord {
    const { record, effects, ended, tells } = this.#taken(taken);
    for (const [child, { generation }] of this.running) if (ended.includes(generation)) this.running.delete(child);
    for (const effect of effects) {
      if (effect.kind === "child") this.running.set(effect.child, effect);
      if (effect.kind === "action") this.actions.push(effect);
    }
    this.tells.push(...tells);
    const thawedRecord = thawed(record);
    this.#watch({ ...this.#taken(taken), record: thawedRecord });
    return thawedRecord;
  }

  #running(child: string): ChildStart {
    const start = this.running.get(child);
    if (start === undefined) throw new Error(`"${child}" does not run; there are ${[...this.running.keys()]}`);
    return start;
  }

  #taken(taken: Step | undefined): Step {
    if (taken === undefined) throw new Error("the stimulus was stale");
    return taken;
  }
}
