import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { actionText, delayText, guardText, isOwnTimer } from "./chart-text.ts";
import { stateAt, withDescendants } from "./state-nodes.ts";

/**
 * A chart's structure as plain data: for drawing it, for comparing two versions of it, and for checking that every
 * name in it leads somewhere. It is read from the machine's own state nodes, since XState's `definition` and
 * `toDirectedGraph` leave out eventless transitions, guards or actions.
 */
export interface ChartGraph {
  readonly id: string;
  readonly version: string;
  /** The root first, each state before those within it. */
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
}

export type ChartStateType = "atomic" | "compound" | "parallel" | "final" | "history";

export interface ChartState {
  /** Dotted from the chart's name inwards, unless the chart gives it an id of its own. */
  readonly id: string;
  /** Its name within its parent. */
  readonly key: string;
  /** The id of the state it is in; left out for the root. */
  readonly parent?: string;
  readonly type: ChartStateType;
  /** The id of the state that is entered first; compound states only. */
  readonly initial?: string;
  /** What a history state goes back to, and where it leads when there is nothing to go back to. */
  readonly history?: { readonly depth: "shallow" | "deep"; readonly default: readonly string[] };
  readonly tags: readonly string[];
  /** Actions, as {@link actionText} names them. */
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
}

/**
 * What makes a transition happen:
 * - `event`: an event of this type arrives
 * - `always`: nothing but its guard
 * - `after`: time passes
 * - `done`, `error`: an invoked or spawned child has ended so
 * - `complete`: a final state within has been reached
 */
export type ChartEdgeKind = "event" | "always" | "after" | "done" | "error" | "complete";

export interface ChartEdge {
  readonly from: string;
  /** Left out where the state is not left: only the actions happen. One with several targets gives an edge for each. */
  readonly to?: string;
  readonly kind: ChartEdgeKind;
  /** The trigger alone, for people: an event type, `after retry`, `done ask`. Empty for `always`. */
  readonly label: string;
  readonly guard?: string;
  readonly actions: readonly string[];
  /** True when the state is left and entered again although its target is within it. */
  readonly reenter?: true;
}

/** A chart names a state that does not exist. */
export class UnresolvedState extends Error {
  override readonly name = "UnresolvedState";
}

/** Reads a chart's structure. Throws {@link UnresolvedState} for a target, initial state or history default that leads nowhere. */
export function chartGraph(machine: AnyStateMachine): ChartGraph {
  const nodes = withDescendants(machine.root);
  return {
    id: machine.id,
    version: machine.version ?? "",
    states: nodes.map(stateOf),
    edges: nodes.flatMap(edgesOf),
  };
}

function stateOf(node: AnyStateNode): ChartState {
  const { id, key, parent, type, tags, entry, exit, invoke } = node;
  return {
    id,
    key,
    ...(parent !== undefined && { parent: parent.id }),
    type,
    ...(type === "compound" && { initial: initialOf(node) }),
    ...(type === "history" && {
      history: { depth: node.history === "deep" ? "deep" : "shallow", default: defaultsOf(node) },
    }),
    tags,
    entry: entry.filter((action) => !isOwnTimer(action)).map(actionText),
    exit: exit.filter((action) => !isOwnTimer(action)).map(actionText),
    invokes: invoke.map((child) => ({ id: child.id, src: typeof child.src === "string" ? child.src : "inline" })),
  };
}

function initialOf(node: AnyStateNode): string {
  const [target] = resolved(node, () => node.initial.target ?? []);
  if (target === undefined) throw new UnresolvedState(`${node.id}: no initial state is given`);
  return target.id;
}

/** Where a history state leads at first: its target, else its parent's beginning. */
function defaultsOf({ id, parent, config }: AnyStateNode): readonly string[] {
  if (parent === undefined) throw new UnresolvedState(`${id}: a history state needs a parent`);
  const target: unknown = Reflect.get(config, "target");
  if (target === undefined) return [parent.type === "parallel" ? parent.id : initialOf(parent)];
  return [target].flat().map((path) => {
    const found = typeof path === "string" ? stateAt(parent, path) : undefined;
    if (found === undefined) throw new UnresolvedState(`${id}: the default target "${String(path)}" does not exist`);
    return found.id;
  });
}

function edgesOf(node: AnyStateNode): readonly ChartEdge[] {
  return resolved(node, () => [...[...node.transitions.values()].flat(), ...(node.always ?? [])]).flatMap(
    (transition) => edges(node, transition),
  );
}

function edges(node: AnyStateNode, transition: AnyTransitionDefinition): readonly ChartEdge[] {
  const targets: readonly (AnyStateNode | undefined)[] = transition.target ?? [undefined];
  const { guard, actions, eventType, reenter } = transition;
  return targets.map((target) => ({
    from: node.id,
    ...(target !== undefined && { to: target.id }),
    ...triggerOf(node, eventType),
    ...(guard !== undefined && { guard: guardText(guard) }),
    actions: actions.map(actionText),
    ...(reenter === true && { reenter }),
  }));
}

function triggerOf(node: AnyStateNode, eventType: string): Pick<ChartEdge, "kind" | "label"> {
  if (eventType === "") return { kind: "always", label: "" };
  const timer = node.after.find((after) => after.eventType === eventType);
  if (timer !== undefined) return { kind: "after", label: `after ${delayText(timer.delay)}` };
  if (eventType.startsWith("xstate.done.state.")) return { kind: "complete", label: "done" };
  for (const kind of ["done", "error"] as const) {
    const prefix = `xstate.${kind}.actor.`;
    if (eventType.startsWith(prefix)) return { kind, label: `${kind} ${eventType.slice(prefix.length)}` };
  }
  return { kind: "event", label: eventType };
}

/** XState resolves names when they are first asked for, and throws a plain Error where there is no such state. */
function resolved<T>(node: AnyStateNode, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new UnresolvedState(`${node.id}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
