import type { AgentStatus, TroubleStatus, WaitStatus } from "../commands/status/schema.ts";
import { plain } from "./console.ts";
import { duration } from "./duration.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

/** The tables that several commands show. Each is empty when there is nothing to tell. */

export function agentTable(all: readonly AgentStatus[], terminal: Terminal): string {
  if (all.length === 0) return "";
  const regions = [...new Set(all.flatMap((agent) => Object.keys(agent.regions)))];
  const rows = all.map((agent) => [
    agent.name ?? agent.agentId,
    agent.userId,
    ...regions.map((region) => agent.regions[region] ?? ""),
    agent.roomId ?? "no room",
  ]);
  const heading = ["AGENT", "USER", ...regions.map((region) => region.toUpperCase()), "ROOM ID"];
  return table([heading, ...rows].map(plainRow), layoutFor(terminal));
}

/** Who waits, and for what; whoever does not wait is left out. */
export function waitTable(
  waiting: readonly (readonly [who: string, wait: WaitStatus | undefined])[],
  at: number,
  terminal: Terminal,
): string {
  const rows = waiting.flatMap(([who, wait]) =>
    wait === undefined
      ? []
      : [
          [
            who,
            duration(at - wait.since),
            wait.until === undefined ? "" : `in ${duration(wait.until - at)}`,
            withRemedy(wait),
          ],
        ],
  );
  if (rows.length === 0) return "";
  return table([["WAITING", "SINCE", "NEXT TRY", "FOR"], ...rows].map(plainRow), layoutFor(terminal, "waiting"));
}

export function troubleTable(all: readonly TroubleStatus[], at: number, terminal: Terminal): string {
  const rows = all.map(({ actor, health, until, crashes, error, remedy }) => [
    actor,
    health === "restarting" && until !== undefined ? `restarts in ${duration(until - at)}` : health,
    `${crashes.recent} of ${crashes.intensity} in ${duration(crashes.period)}`,
    [error, ...remediesOf(remedy, actor, health)].join(" "),
  ]);
  if (rows.length === 0) return "";
  return table([["CRASHED", "STATE", "CRASHES", "ERROR"], ...rows].map(plainRow), layoutFor(terminal, "alarming"));
}

function remediesOf(remedy: string | undefined, actor: string, health: TroubleStatus["health"]): readonly string[] {
  const release = health === "quarantined" ? [`(letta-matrix release ${actor})`] : [];
  return remedy === undefined ? release : [`(${remedy})`, ...release];
}

export function withRemedy({ reason, remedy }: { readonly reason: string; readonly remedy?: string }): string {
  return remedy === undefined ? reason : `${reason}: ${remedy}`;
}

export function plainRow(row: readonly string[]): readonly string[] {
  return row.map(plain);
}
