import type { StateValue } from "xstate";
import { z } from "zod";
import type { Health, Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import { knownAgent } from "./known-agent.ts";
import type { AgentStatus, ConversationStatus, CoreUserStatus, Status, TroubleStatus } from "./schema.ts";

/** What an actor's record tells to people. */

export type HealthOf = Pick<Host, "health">;

/** What the charts promise to keep in their context. */
const waiting = z.object({
  reason: z.string(),
  remedy: z.string().exactOptional(),
  since: z.number(),
  until: z.number().exactOptional(),
});
const anyContext = z.object({ wait: waiting.optional() });
const coreUserContext = z.object({ userId: z.string() });
const conversationContext = z.object({
  agentId: z.string(),
  roomId: z.string(),
  queue: z.array(z.unknown()),
  current: z.unknown().optional(),
});

export function singleOf(record: ActorRecord, host: HealthOf): NonNullable<Status["discovery"]> {
  return { ...common(record, host), state: stateText(record.value) };
}

export function coreUserOf(record: ActorRecord, host: HealthOf): CoreUserStatus {
  const { userId } = coreUserContext.parse(record.context);
  return { userId, state: stateText(record.value), ...common(record, host) };
}

export function agentOf(record: ActorRecord, host: HealthOf): AgentStatus {
  const { value } = record;
  const regions = typeof value === "string" ? { agent: value } : mapValues(value, stateText);
  return { ...knownAgent.parse(record.context), regions, ...common(record, host) };
}

export function conversationOf(record: ActorRecord, host: HealthOf): ConversationStatus {
  const { agentId, roomId, queue, current } = conversationContext.parse(record.context);
  const state = stateText(record.value);
  return { agentId, roomId, state, queued: queue.length, answering: current !== undefined, ...common(record, host) };
}

function common(record: ActorRecord, host: HealthOf) {
  const { wait } = anyContext.parse(record.context);
  const until = wait?.until ?? nextTimer(record);
  return {
    health: host.health(record.id).state,
    ...(wait !== undefined && { wait: { ...wait, ...(until !== undefined && { until }) } }),
  };
}

/** When the actor moves on by itself. */
function nextTimer({ timers }: ActorRecord): number | undefined {
  const due = Object.values(timers).map((timer) => timer.due);
  return due.length === 0 ? undefined : Math.min(...due);
}

export function troublesOf(
  { id, machine }: Pick<ActorRecord, "id" | "machine">,
  host: HealthOf,
): readonly TroubleStatus[] {
  const health: Health = host.health(id);
  if (health.state === "running") return [];
  const { at, incarnation, error } = health.crash;
  return [
    {
      actor: id,
      machine,
      health: health.state,
      crashedAt: at,
      incarnation,
      crashes: health.crashes,
      error: error.message,
      ...(error.remedy !== undefined && { remedy: error.remedy }),
      ...(health.state === "restarting" && { until: health.until }),
    },
  ];
}

/** `provisioning.creating`; the states of parallel regions side by side. */
export function stateText(value: StateValue | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([state, inner]) => [state, stateText(inner)].filter(Boolean).join("."))
    .join(", ");
}

function mapValues<TValue, TResult>(
  values: Readonly<Record<string, TValue>>,
  map: (value: TValue) => TResult,
): Record<string, TResult> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
}
