import type { AnyActorRef, AnyMachineSnapshot, AnyStateNode } from "xstate";
import type { Behaviour } from "./behaviour.ts";
import { childStub } from "./inert.ts";
import type { ActorRecord } from "./record.ts";

/** The chart's snapshot as the record describes it, with a stub for each child that the host runs. */
export function restoreSnapshot({ chart, nodes }: Behaviour, record: ActorRecord): AnyMachineSnapshot {
  const remembered = (id: string): AnyStateNode => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`${record.id} remembers the state "${id}", which the chart does not have`);
    return node;
  };
  const snapshot: AnyMachineSnapshot = chart.resolveState({
    value: record.value,
    context: record.context,
    status: record.status,
    output: record.output,
    historyValue: Object.fromEntries(Object.entries(record.history).map(([node, ids]) => [node, ids.map(remembered)])),
  });
  const { order } = record;
  if (order !== undefined) {
    const place = new Map(order.map((id, index) => [id, index]));
    snapshot._nodes.sort((a, b) => (place.get(a.id) ?? order.length) - (place.get(b.id) ?? order.length));
  }
  for (const [id, child] of Object.entries(record.children)) {
    const stub: AnyActorRef & { src?: unknown } = childStub(id);
    stub.src = child.src;
    snapshot.children[id] = stub;
  }
  return snapshot;
}

/** The ids of the active states as they were entered; `undefined` where they are one chain of parent and child. */
export function orderOf({ _nodes: nodes }: AnyMachineSnapshot): readonly string[] | undefined {
  return nodes.some(({ type }) => type === "parallel") ? nodes.map(({ id }) => id) : undefined;
}

/** The remembered states of a snapshot's history nodes, by id. */
export function historyOf(snapshot: AnyMachineSnapshot): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(snapshot.historyValue).map(([node, remembered]) => [node, remembered.map(({ id }) => id)]),
  );
}
