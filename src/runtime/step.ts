import type { AnyMachineSnapshot } from "xstate";
import type { ActorId } from "./actor-id.ts";
import type { Behaviour } from "./behaviour.ts";
import { inertScope } from "./inert.ts";
import { assertPlainJson, NotPlainJson } from "./json.ts";
import type { ActorEvent, ActorRecord } from "./record.ts";
import { restoreSnapshot } from "./snapshot.ts";
import { StepDraft } from "./step-draft.ts";
import { UnsupportedChart } from "./unsupported.ts";

/** What an actor is given to take a step on. */
export type Stimulus =
  | { readonly kind: "start" }
  | { readonly kind: "event"; readonly event: ActorEvent }
  | { readonly kind: "done"; readonly child: string; readonly generation: number; readonly output?: unknown }
  | { readonly kind: "error"; readonly child: string; readonly generation: number; readonly error: unknown }
  | { readonly kind: "timer"; readonly timer: string; readonly generation: number };

/** An effect that the step asks for; started after the commit. */
export type EffectStart = ChildStart | ActionStart | ChildSend;

export interface ChildStart {
  readonly kind: "child";
  readonly name: string;
  readonly child: string;
  readonly generation: number;
  readonly input: unknown;
}

export interface ActionStart {
  readonly kind: "action";
  readonly name: string;
  readonly input: unknown;
}

export interface ChildSend {
  readonly kind: "send";
  readonly child: string;
  readonly generation: number;
  readonly event: ActorEvent;
}

/** An event for another actor, written down in the same batch. */
export interface Tell {
  readonly to: ActorId;
  readonly event: ActorEvent;
  /** Names the event at its receiver, who then takes it once whoever tells it. Left out, this tell is delivered once. */
  readonly id?: string;
}

/** An answer to a caller that waits in this process; nothing when it does not wait any more. */
export interface Reply {
  readonly to: string;
  readonly value: unknown;
}

/** The ids of timers. */
export interface TimerChanges {
  readonly set: readonly string[];
  /** Due at another time by the clock, which somebody has set: they are as far off as they were. */
  readonly moved: readonly string[];
  readonly cancel: readonly string[];
}

export interface Step {
  readonly record: ActorRecord;
  readonly effects: readonly EffectStart[];
  /** Generations of the children that ended with this step: their effects are aborted and forgotten. */
  readonly ended: readonly number[];
  readonly timers: TimerChanges;
  readonly tells: readonly Tell[];
  readonly replies: readonly Reply[];
  /** The type of the event as the chart saw it. */
  readonly event: string;
  /** False when no transition took the event. */
  readonly handled: boolean;
}

export interface StepInput {
  readonly behaviour: Behaviour;
  readonly id: ActorId;
  /** Missing before the actor's first step, which is a `start`. */
  readonly record: ActorRecord | undefined;
  readonly stimulus: Stimulus;
  /** Milliseconds since the epoch; the chart reads it as `event.at`. */
  readonly at: number;
  /** Spreads the delays that are backoffs. */
  readonly jitterSeed: string;
}

/**
 * One step of one actor: pure, and the only place where charts run. Gives `undefined` for a stimulus that is stale (the
 * result of a child or a timer that is not the actor's any more, anything for an actor that is done, or that nothing has
 * brought to life), which must leave no trace.
 *
 * Throws what the chart's guards and assignments throw, and UnsupportedChart for what shows only in a step.
 */
export function step(input: StepInput): Step | undefined {
  const event = eventOf(input);
  if (event === undefined) return undefined;
  try {
    return input.record === undefined ? firstStep(input) : nextStep(input, input.record, event);
  } catch (error) {
    throw explained(error, input, event);
  }
}

function firstStep(input: StepInput): Step {
  const { behaviour, id } = input;
  const { scope, self, actions } = inertScope();
  const after: AnyMachineSnapshot = behaviour.chart.getInitialSnapshot(scope, behaviour.input(id));
  if (after.status === "error") throw after.error;
  assertPlainJson(after.context, "context");
  const draft = new StepDraft(input, initialEvent.type);
  draft.apply(actions, self);
  return draft.finish(undefined, after, true);
}

function nextStep(input: StepInput, record: ActorRecord, event: ActorEvent): Step {
  const { behaviour, stimulus } = input;
  const draft = new StepDraft(input, event.type);
  draft.consume(stimulus);
  const before = restoreSnapshot(behaviour, record);
  const timer = stimulus.kind === "timer" ? record.timers[stimulus.timer] : undefined;
  if (timer?.child !== undefined) {
    draft.send(timer.child, timer.event);
    return draft.finish(before, before, true);
  }
  const { scope, self, actions } = inertScope();
  const after: AnyMachineSnapshot = behaviour.chart.transition(before, event, scope);
  if (after.status === "error") throw after.error;
  assertPlainJson(after.context, "context", before.context);
  const handled = after !== before || actions.length > 0 || behaviour.chart.getTransitionData(before, event).length > 0;
  draft.apply(actions, self);
  return draft.finish(before, after, handled);
}

const initialEvent: ActorEvent = { type: "xstate.init" };

/** The event as the chart sees it, or `undefined` when the stimulus is not of the actor's present children and timers. */
function eventOf({ record, stimulus, at }: StepInput): ActorEvent | undefined {
  if (record === undefined) return stimulus.kind === "start" ? initialEvent : undefined;
  if (record.status === "done") return undefined;
  switch (stimulus.kind) {
    case "start":
      return undefined;
    case "event":
      return { ...stimulus.event, at };
    case "timer": {
      const timer = record.timers[stimulus.timer];
      return timer?.generation === stimulus.generation ? { ...timer.event, at } : undefined;
    }
    case "done":
    case "error": {
      const { child, generation } = stimulus;
      const known = record.children[child];
      if (known?.generation !== generation || known.finished) return undefined;
      return stimulus.kind === "done"
        ? { type: `xstate.done.actor.${child}`, actorId: child, output: stimulus.output, at }
        : { type: `xstate.error.actor.${child}`, actorId: child, error: stimulus.error, at };
    }
  }
}

/** Says what the chart must not do, where XState's own error or none says it. */
function explained(error: unknown, { behaviour, stimulus }: StepInput, { type }: ActorEvent): unknown {
  const unsupported = (feature: string): UnsupportedChart =>
    new UnsupportedChart(behaviour.name, `on "${type}"`, feature, { cause: error });
  if (error instanceof NotPlainJson) return unsupported(error.message);
  if (stimulus.kind === "error" && error === stimulus.error)
    return new Error(`child "${stimulus.child}" failed, and the chart does not handle it`, { cause: error });
  if (!(error instanceof Error)) return error;
  if (error.message.startsWith("Infinite loop detected"))
    return unsupported("it does not come to rest: eventless transitions or raised events go round in a loop");
  if (error.message.startsWith("Unable to send event to actor")) return unsupported(error.message);
  return error;
}
