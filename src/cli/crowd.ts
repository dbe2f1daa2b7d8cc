import type { AgentStatus, Status, WaitStatus } from "../commands/status/schema.ts";
import { agentTable } from "./status-tables.ts";
import type { Terminal } from "./terminal.ts";

/** What is told of many agents, of whom nobody reads a line each. */

/** More agents or waits than this are not listed one by one. */
const mostListed = 40;

type Waiting = readonly [who: string, wait: WaitStatus | undefined];

/** Letta has it no more, or the configuration leaves it out: nobody makes it ready. */
const gone: ReadonlySet<string | undefined> = new Set(["retired", "disabled"]);
/** How it hears what is said, or goes through what was said. */
const hearing: ReadonlySet<string | undefined> = new Set(["pushed", "polling", "catchingUp"]);

/** How many of the agents that there are to be have their account, their room, and hear what is said there. */
export function progressText({ agents, discovery }: Pick<Status, "agents" | "discovery">): string {
  const wanted = agents.filter((agent) => !isGone(agent));
  const unready = wanted.filter((agent) => !isReady(agent));
  const rest = agents.length - wanted.length;
  const some = [
    `${wanted.length - unready.length} of ${wanted.length} ready`,
    ...doingOf(unready),
    ...(rest > 0 ? [`${rest} retired or left out`] : []),
    ...(discovery?.state === "listing" ? ["Letta is being asked for more"] : []),
  ];
  return some.join("; ");
}

/** All, or of too many only those that are not ready. */
export function agentsOf({ agents }: Pick<Status, "agents">, terminal: Terminal): string {
  if (agents.length <= mostListed) return agentTable(agents, terminal);
  const shown = agents.filter((agent) => !isGone(agent) && !isReady(agent)).slice(0, mostListed);
  return `${agentTable(shown, terminal)}${agents.length - shown.length} more agents: letta-matrix agents lists all\n`;
}

/** One line for all that wait for the same, where there are too many for a line each. */
export function waitsOf(waiting: readonly Waiting[]): readonly Waiting[] {
  const all = waiting.flatMap(([who, wait]) => (wait === undefined ? [] : [[who, wait] as const]));
  if (all.length <= mostListed) return all;
  const byReason = Map.groupBy(all, ([, { reason, remedy = "" }]) => JSON.stringify([reason, remedy]));
  return [...byReason.values()].map((same) => {
    const [first] = same;
    if (first === undefined || same.length === 1) return first ?? ["", undefined];
    const [who, { until: _, ...wait }] = first;
    const untils = same.flatMap(([, { until }]) => until ?? []);
    const since = Math.min(...same.map(([, one]) => one.since));
    return [
      `${who} and ${same.length - 1} more`,
      { ...wait, since, ...(untils.length > 0 && { until: Math.min(...untils) }) },
    ];
  });
}

function isGone({ regions }: AgentStatus): boolean {
  return gone.has(regions["life"]);
}

function isReady({ regions }: AgentStatus): boolean {
  return regions["room"] === "ready" && hearing.has(regions["intake"]);
}

/** What they are at, in the order in which an agent goes through it. */
function doingOf(unready: readonly AgentStatus[]): string[] {
  const counts = new Map<string, number>();
  for (const { regions } of unready) {
    const doing = stageOf(regions);
    counts.set(doing, (counts.get(doing) ?? 0) + 1);
  }
  return stages.flatMap((stage) => (counts.has(stage) ? [`${counts.get(stage)} ${stage}`] : []));
}

const stages = [
  "get their users",
  "wait for their place in the space",
  "get their rooms",
  "wait for what only others can mend",
  "do not hear yet",
] as const;

function stageOf({ account, room = "" }: AgentStatus["regions"]): (typeof stages)[number] {
  if (account !== "online") return "get their users";
  if (room === "offline" || room === "seekingSpace") return "wait for their place in the space";
  if (room === "mending") return "wait for what only others can mend";
  return room === "ready" ? "do not hear yet" : "get their rooms";
}
