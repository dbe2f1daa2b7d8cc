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
  for (const [id, child] of Object.entries(record.children)) {
    const stub: AnyActorRef & { src?: unknown } = childStub(id);
    stub.src = child.src;
    snapshot.children[id] = stub;
  }
  return snapshot;
}

/** The remembered states of a snapshot's history nodes, by id. */
export function historyOf(snapshot: AnyMachineSnapshot): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(snapshot.historyValue).map(([node, remembered]) => [node, remembered.map(({ id }) => id)]),
  );
}
