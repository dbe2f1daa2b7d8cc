import { type AnyStateMachine, createMachine, fromPromise, type MachineConfig } from "xstate";
import { actorId } from "../../src/runtime/actor-id.ts";
import { type Behaviour, type BehaviourDefinition, defineBehaviour } from "../../src/runtime/behaviour.ts";
import type { ActorEvent, ActorRecord } from "../../src/runtime/record.ts";
import { type Step, type Stimulus, step } from "../../src/runtime/step.ts";

type Config = MachineConfig<Record<string, unknown>, ActorEvent>;
type Implementations = NonNullable<Parameters<typeof createMachine>[1]>;

/** A chart of a few states, untyped, so that it can be wrong in every way. */
export function tinyChart(config: object, implementations: object = {}): AnyStateMachine {
  const defaults = { id: "tiny", version: "1", context: () => ({}), options: { maxIterations: 100 } };
  return createMachine({ ...defaults, ...config } as Config, implementations as Implementations);
}

/** For `setup({ actors })`: an effect that the runtime carries out. */
export const placeholder = fromPromise(() => Promise.reject(new Error("carried out by the runtime")));

type Overrides = Partial<Omit<BehaviourDefinition<AnyStateMachine>, "machine">>;

/** Binds a chart to effects that do nothing, one for each name it declares. */
export function behaviourOf(machine: AnyStateMachine, overrides: Overrides = {}): Behaviour {
  const nothing = async (): Promise<void> => undefined;
  const named = (implementations: object) =>
    Object.fromEntries(Object.keys(implementations).map((key) => [key, nothing]));
  return defineBehaviour<AnyStateMachine>({
    machine,
    children: named(machine.implementations.actors),
    actions: named(machine.implementations.actions),
    input: () => undefined,
    ...overrides,
  });
}

export const tinyId = actorId("test", "tiny", "1");

/** An actor without a host: its steps alone, each taken on the record as JSON gives it back, deeply frozen. */
export class Stepper {
  readonly #behaviour: Behaviour;
  record: ActorRecord | undefined;
  at: number;

  constructor(behaviour: Behaviour, at = 0) {
    this.#behaviour = behaviour;
    this.at = at;
  }

  start(): Step {
    return this.#taken(this.take({ kind: "start" }));
  }

  send(event: ActorEvent): Step {
    return this.#taken(this.take({ kind: "event", event }));
  }

  /** Takes a step; `undefined` when the stimulus is stale. */
  take(stimulus: Stimulus): Step | undefined {
    const { record, at } = this;
    const taken = step({ behaviour: this.#behaviour, id: tinyId, record, stimulus, at, jitterSeed: "seed" });
    if (taken !== undefined) this.record = thawed(taken.record);
    return taken;
  }

  #taken(step: Step | undefined): Step {
    if (step === undefined) throw new Error("the stimulus was stale");
    return step;
  }
}

/** The record as the store would give it back, and frozen, so that a chart that changes it in place is seen. */
export function thawed(record: ActorRecord): ActorRecord {
  return deepFreeze(JSON.parse(JSON.stringify(record)) as ActorRecord);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
