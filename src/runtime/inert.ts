import {
  type ActorLogic,
  type AnyActorRef,
  type AnyActorScope,
  type AnyStateMachine,
  createActor,
  type Snapshot,
} from "xstate";

type Inert = ActorLogic<Snapshot<undefined>, { type: string }, unknown>;

const active: Snapshot<undefined> = { status: "active", output: undefined, error: undefined };

const inert: Inert = {
  transition: () => active,
  getInitialSnapshot: () => active,
  getPersistedSnapshot: () => active,
};

/** Stands for every actor the chart may start, so that a transition only names what it would start. */
export function inertActors(machine: AnyStateMachine): Record<string, Inert> {
  return Object.fromEntries(Object.keys(machine.implementations.actors).map((name) => [name, inert]));
}

/** An action as a transition gives it out, before anything has been executed. */
export interface RawAction {
  readonly type: string;
  readonly params: unknown;
  /** What would be executed: for a named action, its implementation in the chart. */
  readonly exec: unknown;
}

/** A scope in which a transition has no effect but to list its actions. */
export interface InertScope {
  readonly scope: AnyActorScope;
  readonly self: AnyActorRef;
  readonly actions: readonly RawAction[];
}

export function inertScope(): InertScope {
  const actions: RawAction[] = [];
  const self = createActor(inert);
  const scope: AnyActorScope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: self.system,
    logger: () => undefined,
    defer: () => undefined,
    stopChild: () => undefined,
    emit: () => undefined,
    actionExecutor: ({ type, params, exec }) => actions.push({ type, params, exec }),
  };
  return { scope, self, actions };
}

/** Stands in a restored snapshot's `children` for a child that the host runs. */
export function childStub(id: string): AnyActorRef {
  return createActor(inert, { id });
}
