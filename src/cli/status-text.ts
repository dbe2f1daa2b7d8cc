import type { Status, WaitStatus } from "../commands/status/schema.ts";
import { plain } from "./console.ts";
import { table } from "./table.ts";

/** The status for a terminal. What is at rest is counted, not listed. */
export function statusText(status: Status): string {
  return [overview(status), agents(status), conversations(status), waits(status), troubles(status)]
    .filter(Boolean)
    .join("\n");
}

function overview({ server, discovery, space, coreUsers, agents: { length: count } }: Status): string {
  return table([
    ["server", plain(server)],
    ["discovery", plain(discovery?.state ?? "never ran")],
    ["space", plain(space?.state ?? "never ran")],
    ...coreUsers.map(({ userId, state }) => [plain(userId), plain(state)]),
    ["agents", String(count)],
  ]);
}

function agents({ agents: all }: Status): string {
  if (all.length === 0) return "";
  const regions = [...new Set(all.flatMap((agent) => Object.keys(agent.regions)))];
  const rows = all.map((agent) => [
    agent.name ?? agent.agentId,
    agent.userId,
    ...regions.map((region) => agent.regions[region] ?? ""),
    agent.roomId ?? "no room",
  ]);
  return table([["AGENT", "USER", ...regions.map((region) => region.toUpperCase()), "ROOM ID"], ...rows].map(plainRow));
}

function conversations({ conversations: all, agents: known }: Status): string {
  if (all.length === 0) return "";
  const names = new Map(known.map(({ agentId, name }) => [agentId, name ?? agentId]));
  const isAtRest = ({ answering, queued }: Status["conversations"][number]): boolean => !answering && queued === 0;
  const busy = all.filter((one) => !isAtRest(one));
  const resting = all.length - busy.length;
  const rows = busy.map(({ agentId, roomId, state, queued }) => [
    names.get(agentId) ?? agentId,
    roomId,
    state,
    String(queued),
  ]);
  const listed =
    busy.length === 0 ? "" : table([["CONVERSATION OF", "IN ROOM", "STATE", "QUEUED"], ...rows].map(plainRow));
  return `${listed}${resting} ${resting === 1 ? "conversation" : "conversations"} at rest\n`;
}

function waits(status: Status): string {
  const { discovery, space, coreUsers, agents: agentList, conversations: rooms, at } = status;
  const names = new Map(agentList.map(({ agentId, name }) => [agentId, name ?? agentId]));
  const waiting: readonly (readonly [string, WaitStatus | undefined])[] = [
    ["discovery", discovery?.wait],
    ["space", space?.wait],
    ...coreUsers.map(({ userId, wait }) => [userId, wait] as const),
    ...agentList.map((agent) => [agent.name ?? agent.agentId, agent.wait] as const),
    ...rooms.map((room) => [`${names.get(room.agentId) ?? room.agentId} in ${room.roomId}`, room.wait] as const),
  ];
  const rows = waiting.flatMap(([who, wait]) =>
    wait === undefined
      ? []
      : [
          [
            who,
            duration(at - wait.since),
            wait.until === undefined ? "" : `in ${duration(wait.until - at)}`,
            reason(wait),
          ],
        ],
  );
  return rows.length === 0 ? "" : table([["WAITING", "SINCE", "NEXT TRY", "FOR"], ...rows].map(plainRow));
}

function troubles({ troubles: all, at }: Status): string {
  const rows = all.map(({ actor, health, until, error, remedy }) => [
    actor,
    health === "restarting" && until !== undefined ? `restarts in ${duration(until - at)}` : "quarantined",
    remedy === undefined ? error : `${error} (${remedy})`,
  ]);
  return rows.length === 0 ? "" : table([["CRASHED", "STATE", "ERROR"], ...rows].map(plainRow));
}

function reason({ reason: text, remedy }: WaitStatus): string {
  return remedy === undefined ? text : `${text}: ${remedy}`;
}

function plainRow(row: readonly string[]): readonly string[] {
  return row.map(plain);
}

/** `4 s`, `3 min`, `2 h`, `5 d`: never a longer unit than fits. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
