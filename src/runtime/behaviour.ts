import type { AnyStateMachine, AnyStateNode, InputFrom } from "xstate";
import type { ActorId } from "./actor-id.ts";
import { assertSupported } from "./chart-support.ts";
import type { ActionEffects, ChildEffects, Effect } from "./effect.ts";
import { inertActors } from "./inert.ts";
import type { ActorEvent, ActorRecord } from "./record.ts";
import { stateNodesOf } from "./state-nodes.ts";
import type { Stimulus } from "./step.ts";
import { UnsupportedChart } from "./unsupported.ts";

/** A chart together with what its effects do: all that a host needs to run actors of this kind. */
export interface Behaviour {
  /** The machine's id, and the second part of its actors' ids. */
  readonly name: string;
  readonly version: number;
  /** The chart with its actors replaced by inert ones: stepping it starts nothing. */
  readonly chart: AnyStateMachine;
  /** The chart's states by id. */
  readonly nodes: ReadonlyMap<string, AnyStateNode>;
  readonly children: Readonly<Record<string, Effect>>;
  readonly actions: Readonly<Record<string, Effect>>;
  readonly input: (id: ActorId) => unknown;
  readonly wakes: (stimulus: Stimulus) => boolean;
  readonly lanes: ReadonlyMap<string, string>;
  /** Ids of the `after` timers whose delay is a backoff. */
  readonly backoffTimers: ReadonlySet<string>;
  readonly silence: ReadonlyMap<string, number>;
  readonly migrate: ((record: ActorRecord) => ActorRecord) | undefined;
}

export interface BehaviourDefinition<TMachine extends AnyStateMachine> {
  /** Made with `setup`, with an id, a `version` (a positive whole number) and finite `options.maxIterations`. */
  readonly machine: TMachine;
  readonly children: ChildEffects<TMachine>;
  readonly actions?: ActionEffects<TMachine>;
  /** An actor comes to life with its first event: its input follows from its id alone. */
  readonly input: (id: ActorId) => InputFrom<TMachine>;
  /** Whether this event brings one to life. Where it does not, and there is none yet, it leaves no trace. Each does by default. */
  readonly wakes?: (event: ActorEvent) => boolean;
  /** Effects of one actor that share a lane run one after the other, in the order the chart asked for them. */
  readonly lanes?: { readonly [effect: string]: string };
  /** Names of delays that are backoffs: these get up to a fifth more or less, by a hash, so that many actors spread. */
  readonly backoffDelays?: readonly string[];
  /**
   * Child effects that give signs of life, each with the time, ms, after which one that has given none is taken for stuck:
   * its actor's incarnation ends, and the next begins the effect again.
   */
  readonly silence?: { readonly [effect: string]: number };
  /** Turns a record of an older version of the chart into one of this version. Without it such a record is refused. */
  readonly migrate?: (record: ActorRecord) => ActorRecord;
}

/** Actions that the runtime itself carries out; a chart names them with a placeholder in `setup({ actions })`. */
export const runtimeActions: ReadonlySet<string> = new Set(["tell", "reply"]);

/** Checks the chart and binds it to its effects. Throws {@link UnsupportedChart}. */
export function defineBehaviour<TMachine extends AnyStateMachine>(
  definition: BehaviourDefinition<TMachine>,
): Behaviour {
  const { machine, lanes = {}, backoffDelays = [], silence = {}, wakes = () => true } = definition;
  const version = Number(machine.version);
  if (!Number.isInteger(version) || version < 1)
    throw new UnsupportedChart(machine.id, "root", `version must be a positive whole number, not ${machine.version}`);
  // The definition's types were checked against this very chart; from here on the chart decides which effect gets what.
  const children = definition.children as Readonly<Record<string, Effect>>;
  const actions = (definition.actions ?? {}) as Readonly<Record<string, Effect>>;
  assertSupported(machine, {
    children: new Set(Object.keys(children)),
    actions: new Set([...Object.keys(actions), ...runtimeActions]),
    backoffDelays,
  });
  const chart = machine.provide({ actors: inertActors(machine) });
  return {
    name: machine.id,
    version,
    chart,
    nodes: stateNodesOf(chart),
    children,
    actions,
    input: definition.input,
    wakes: (stimulus) => stimulus.kind !== "event" || wakes(stimulus.event),
    lanes: new Map(Object.entries(lanes)),
    backoffTimers: new Set(backoffTimersOf(machine.root, new Set(backoffDelays))),
    silence: new Map(Object.entries(silence)),
    migrate: definition.migrate,
  };
}

function backoffTimersOf(node: AnyStateNode, backoffDelays: ReadonlySet<unknown>): string[] {
  const own = node.after.filter(({ delay }) => backoffDelays.has(delay)).map(({ eventType }) => eventType);
  return [...own, ...Object.values(node.states).flatMap((child) => backoffTimersOf(child, backoffDelays))];
}
