import { addressOf, agentUserId } from "../../src/machines/addresses.ts";
import { type ActorRecord, recordFormat } from "../../src/runtime/record.ts";

/** What an actor's host keeps of it; where nothing else is said, with nothing under way. */
export function recordOf(actor: Pick<ActorRecord, "id" | "machine"> & Partial<ActorRecord>): ActorRecord {
  return {
    format: recordFormat,
    version: 1,
    value: "idle",
    context: {},
    status: "active",
    history: {},
    children: {},
    timers: {},
    revision: 1,
    generation: 0,
    at: 0,
    ...actor,
  };
}

export function agentRecord(
  agentId: string,
  value: ActorRecord["value"],
  context: Readonly<Record<string, unknown>> = {},
): ActorRecord {
  const known = { agentId, userId: agentUserId("test", agentId), ...context };
  return recordOf({ id: addressOf.agent("test", agentId), machine: "agent", value, context: known });
}
