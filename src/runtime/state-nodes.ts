import type { AnyStateMachine, AnyStateNode } from "xstate";

/** All state nodes of a chart by id. XState's own lookup takes a dot in an id for a path. */
export function stateNodesOf(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  return new Map(withDescendants(machine.root).map((node) => [node.id, node]));
}

function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(withDescendants)];
}
