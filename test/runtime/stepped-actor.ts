import type { Behaviour } from "../../src/runtime/behaviour.ts";
import type { ActorEvent, ActorRecord, TimerRecord } from "../../src/runtime/record.ts";
import type { Step, Stimulus } from "../../src/runtime/step.ts";
import { emptyTrace, type Observed, type Trace } from "./observed.ts";
import { Stepper } from "./tiny-chart.ts";

/** The runner on simulated time, as the simplest of hosts would drive it. */
export class SteppedActor {
  readonly #stepper: Stepper;
  readonly #damage: (record: ActorRecord) => ActorRecord;
  #trace: Trace = emptyTrace();
  steps = 0;

  /** `damage` is done to the record between steps, to see whether it is noticed. */
  constructor(behaviour: Behaviour, damage: (record: ActorRecord) => ActorRecord = (record) => record) {
    this.#stepper = new Stepper(behaviour);
    this.#damage = damage;
  }

  get record(): ActorRecord {
    const { record } = this.#stepper;
    if (record === undefined) throw new Error("not started");
    return record;
  }

  start(): Step | undefined {
    return this.#take({ kind: "start" });
  }

  send(event: ActorEvent): Step | undefined {
    return this.#take({ kind: "event", event });
  }

  finish(child: string, output: unknown): Step | undefined {
    const generation = this.record.children[child]?.generation ?? 0;
    return this.#take({ kind: "done", child, generation, output });
  }

  fail(child: string, error: unknown): Step | undefined {
    const generation = this.record.children[child]?.generation ?? 0;
    return this.#take({ kind: "error", child, generation, error });
  }

  /** The next timer that comes due within `duration`, fired; `undefined` when there is none, and time has passed. */
  fireNext(until: number): { step: Step | undefined; timer: TimerRecord } | undefined {
    const [next] = Object.entries(this.record.timers)
      .filter(([, { due }]) => due <= until)
      .sort(([, a], [, b]) => a.due - b.due || a.generation - b.generation);
    if (next === undefined) {
      this.#stepper.at = until;
      return undefined;
    }
    const [id, timer] = next;
    this.#stepper.at = timer.due;
    if (timer.child === undefined) this.#trace.fired.push(timer.event.type);
    return { step: this.#take({ kind: "timer", timer: id, generation: timer.generation }), timer };
  }

  get now(): number {
    return this.#stepper.at;
  }

  /** Children that have not ended. */
  get running(): string[] {
    const { children } = this.record;
    return Object.keys(children)
      .filter((id) => !children[id]?.finished)
      .sort();
  }

  observe(): Observed {
    const { value, context, status, output, history } = this.record;
    const trace = this.#trace;
    this.#trace = emptyTrace();
    return {
      value,
      context,
      status,
      output,
      history: Object.fromEntries(Object.entries(history).map(([node, states]) => [node, [...states].sort()])),
      running: this.running,
      trace,
    };
  }

  #take(stimulus: Stimulus): Step | undefined {
    const before = this.#stepper.record;
    const taken = this.#stepper.take(stimulus);
    if (taken === undefined) return undefined;
    this.steps++;
    const finished = stimulus.kind === "done" || stimulus.kind === "error" ? stimulus.generation : undefined;
    for (const generation of taken.ended)
      if (generation !== finished) this.#trace.stopped.push(childOf(before, generation));
    for (const effect of taken.effects) {
      if (effect.kind === "action") this.#trace.actions.push(effect.input);
      else if (effect.kind === "child") this.#trace.started.push({ child: effect.child, input: effect.input });
      else this.#trace.received.push({ child: effect.child, event: effect.event.type });
    }
    this.#stepper.record = this.#damage(taken.record);
    return taken;
  }
}

function childOf(record: ActorRecord | undefined, generation: number): string {
  const found = Object.entries(record?.children ?? {}).find(([, child]) => child.generation === generation);
  return found?.[0] ?? `unknown child of generation ${generation}`;
}
