import type { AnyStateMachine, EventFrom, InputFrom, OutputFrom, StateMachine } from "xstate";
import type { ActorId } from "./actor-id.ts";
import type { Json } from "./json.ts";
import type { ActorEvent } from "./record.ts";

/**
 * What a chart's named effect does in the world. It may run twice (after a restart, or when a crash came between its
 * work and the note of it), so what it does outside must be safe to repeat.
 *
 * As an invoked or spawned child, its result or error comes back to the chart as `xstate.done.actor.<id>` or
 * `xstate.error.actor.<id>`. As an action, it is repeated with backoff until it succeeds.
 */
export type Effect<TInput = unknown, TOutput = unknown, TEvent = ActorEvent> = (
  input: TInput,
  context: EffectContext<TEvent>,
) => Promise<TOutput>;

/** How long an action is repeated before it becomes a dead letter, ms. */
export const defaultActionLife = 24 * 3_600_000;

export interface EffectContext<TEvent = ActorEvent> {
  readonly self: ActorId;
  /** Aborted when the chart leaves the state, the actor's incarnation ends, the host stops, or the effect is over. */
  readonly signal: AbortSignal;
  /** False only if no earlier process or incarnation can have begun this effect. */
  readonly restarted: boolean;
  /** The value last noted by `checkpoint`, also by an earlier process; `undefined` when there is none. */
  readonly checkpointed: unknown;
  /** Notes how far this effect has come. Durable when the promise resolves. Rejects when the actor has left the effect. */
  checkpoint(value: Json): Promise<void>;
  /** Gives a sign of life; so do `checkpoint` and `emit`. Only for effects that the behaviour's `silence` names. */
  beat(): void;
  /**
   * Sends an event to the actor. Durable, with all that follows from it, when the promise resolves. Rejects when the actor
   * has left the effect: then it did not get the event.
   */
  emit(event: TEvent): Promise<void>;
  /**
   * Calls `listener` with each event that the chart sends to this child, from the first on, also after a restart: all are
   * kept until the child ends. What it throws is the effect's failure.
   */
  receive(listener: (event: ActorEvent) => void): void;
}

type ProvidedActor<TMachine> =
  TMachine extends StateMachine<
    infer _Context,
    infer _Event,
    infer _Children,
    infer TActor,
    infer _Action,
    infer _Guard,
    infer _Delay,
    infer _StateValue,
    infer _Tag,
    infer _Input,
    infer _Output,
    infer _Emitted,
    infer _Meta,
    infer _Schema
  >
    ? TActor
    : never;

type ProvidedAction<TMachine> =
  TMachine extends StateMachine<
    infer _Context,
    infer _Event,
    infer _Children,
    infer _Actor,
    infer TAction,
    infer _Guard,
    infer _Delay,
    infer _StateValue,
    infer _Tag,
    infer _Input,
    infer _Output,
    infer _Emitted,
    infer _Meta,
    infer _Schema
  >
    ? TAction
    : never;

/** One implementation for each actor that the chart's `setup({ actors })` names: a missing or extra one is a type error. */
export type ChildEffects<TMachine extends AnyStateMachine> = {
  readonly [TActor in ProvidedActor<TMachine> as TActor["src"]]: Effect<
    InputFrom<TActor["logic"]>,
    OutputFrom<TActor["logic"]>,
    EventFrom<TMachine>
  >;
};

/** Implementations for the custom actions of the chart's `setup({ actions })`. A missing one is refused at registration. */
export type ActionEffects<TMachine extends AnyStateMachine> = {
  readonly [TAction in ProvidedAction<TMachine> as TAction["type"]]?: Effect<
    TAction["params"],
    void,
    EventFrom<TMachine>
  >;
};
