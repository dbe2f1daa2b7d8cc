import type { AnyStateMachine, AnyStateNode } from "xstate";

/** All state nodes of a chart by id. XState's own lookup takes a dot in an id for a path. */
export function stateNodesOf(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  return new Map(withDescendants(machine.root).map((node) => [node.id, node]));
}

/** Each before those within it. */
export function withDescendants(node: AnyStateNode): readonly AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(withDescendants)];
}

/** What the target of a history state within `parent` names: an id, or a path from there. */
export function stateAt(parent: AnyStateNode, target: string): AnyStateNode | undefined {
  if (target.startsWith("#")) return stateNodesOf(parent.machine).get(target.slice(1));
  return target.split(".").reduce<AnyStateNode | undefined>((node, key) => node?.states[key], parent);
}
