import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { childStub } from "./inert.ts";
import type { ActorRecord } from "./record.ts";

/** The chart's snapshot as the record describes it, with a stub for each child that the host runs. */
export function restoreSnapshot(chart: AnyStateMachine, record: ActorRecord): AnyMachineSnapshot {
  const historyValue = Object.fromEntries(
    Object.entries(record.history).map(([node, ids]) => [node, ids.map((id) => chart.getStateNodeById(`#${id}`))]),
  );
  const snapshot: AnyMachineSnapshot = chart.resolveState({
    value: record.value,
    context: record.context,
    status: record.status,
    output: record.output,
    historyValue,
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
