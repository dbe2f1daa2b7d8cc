import type { StateValue } from "xstate";
import { z } from "zod";
import type { Health, Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command } from "../command.ts";
import {
  type AgentStatus,
  type ConversationStatus,
  type CoreUserStatus,
  type Status,
  status,
  type TroubleStatus,
} from "./schema.ts";

const input = z.strictObject({});

/** What runs, in which state, and what it waits for. */
export const statusQuery: Command<typeof input, typeof status, "host" | "clock" | "server"> = {
  name: "status",
  summary: "Agents and conversations with their states, what they wait for, and what has crashed.",
  scope: "actors:read",
  input,
  output: status,
  async run(_, { host, clock, server }, { signal }) {
    const all = async (machine: string): Promise<readonly ActorRecord[]> => {
      signal.throwIfAborted();
      return Array.fromAsync(host.list(server, machine));
    };
    const discovery = await all("discovery");
    const space = await all("space");
    const coreUsers = await all("core-user");
    const agents = await all("agent");
    const conversations = await all("conversation");
    return {
      server,
      at: clock.now(),
      ...singleOf("discovery", discovery, host),
      ...singleOf("space", space, host),
      coreUsers: coreUsers.map((record) => coreUserOf(record, host)),
      agents: agents.map((record) => agentOf(record, host)),
      conversations: conversations.map((record) => conversationOf(record, host)),
      troubles: [discovery, space, coreUsers, agents, conversations]
        .flat()
        .flatMap((record) => troublesOf(record, host)),
    };
  },
};

type HealthOf = Pick<Host, "health">;

/** What the charts promise to keep in their context. */
const waiting = z.object({
  reason: z.string(),
  remedy: z.string().exactOptional(),
  since: z.number(),
  until: z.number().exactOptional(),
});
const anyContext = z.object({ wait: waiting.optional() });
const agentContext = z.object({
  agentId: z.string(),
  name: z.string().optional(),
  userId: z.string(),
  roomId: z.string().optional(),
});
const coreUserContext = z.object({ userId: z.string() });
const conversationContext = z.object({
  agentId: z.string(),
  roomId: z.string(),
  queue: z.array(z.unknown()),
  current: z.unknown().optional(),
});

function singleOf(name: "discovery" | "space", [record]: readonly ActorRecord[], host: HealthOf): Partial<Status> {
  return record === undefined ? {} : { [name]: { ...common(record, host), state: stateText(record.value) } };
}

function coreUserOf(record: ActorRecord, host: HealthOf): CoreUserStatus {
  const { userId } = coreUserContext.parse(record.context);
  return { userId, state: stateText(record.value), ...common(record, host) };
}

function agentOf(record: ActorRecord, host: HealthOf): AgentStatus {
  const { value } = record;
  const regions = typeof value === "string" ? { agent: value } : mapValues(value, stateText);
  const { agentId, userId, name, roomId } = agentContext.parse(record.context);
  return {
    agentId,
    ...(name !== undefined && { name }),
    userId,
    ...(roomId !== undefined && { roomId }),
    regions,
    ...common(record, host),
  };
}

function conversationOf(record: ActorRecord, host: HealthOf): ConversationStatus {
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

function troublesOf({ id, machine }: ActorRecord, host: HealthOf): readonly TroubleStatus[] {
  const health: Health = host.health(id);
  if (health.state === "running") return [];
  const { at, error } = health.crash;
  return [
    {
      actor: id,
      machine,
      health: health.state,
      crashedAt: at,
      error: error.message,
      ...(error.remedy !== undefined && { remedy: error.remedy }),
      ...(health.state === "restarting" && { until: health.until }),
    },
  ];
}

/** `provisioning.creating`; the states of parallel regions side by side. */
function stateText(value: StateValue | undefined): string {
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
