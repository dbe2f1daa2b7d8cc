import type { Status, TransportStatus, WaitStatus } from "../commands/status/schema.ts";
import { unreachedWait } from "../commands/status/transport.ts";
import { plain } from "./console.ts";
import { agentsOf, progressText, waitsOf } from "./crowd.ts";
import { plainRow, troubleTable, waitTable } from "./status-tables.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

/** The status for a terminal. What is at rest is counted, not listed. */
export function statusText(status: Status, terminal: Terminal): string {
  return [
    overview(status),
    agentsOf(status, terminal),
    conversations(status, terminal),
    waits(status, terminal),
    troubleTable(status.troubles, status.at, terminal),
  ]
    .filter(Boolean)
    .join("\n");
}

function overview({ server, transport, discovery, space, coreUsers, agents }: Status): string {
  return table([
    ["server", plain(server)],
    ...(transport === undefined ? [] : [["transport", transportText(transport)]]),
    ["discovery", plain(discovery?.state ?? "never ran")],
    ["space", plain(space?.state ?? "never ran")],
    ...coreUsers.map(({ userId, state }) => [plain(userId), plain(state)]),
    ["agents", progressText({ agents, ...(discovery !== undefined && { discovery }) })],
  ]);
}

const reaches = {
  unknown: "not known yet whether it is reached",
  reached: "reached",
  unasked: "the homeserver cannot be asked whether it reaches it",
  unreached: "NOT REACHED",
} as const;

function transportText({ kind, reach }: TransportStatus): string {
  return kind === "client-server" ? "polling" : `application service, ${reaches[reach ?? "unknown"]}`;
}

function conversations({ conversations: all, agents: known }: Status, terminal: Terminal): string {
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
    busy.length === 0
      ? ""
      : table([["CONVERSATION OF", "IN ROOM", "STATE", "QUEUED"], ...rows].map(plainRow), layoutFor(terminal));
  return `${listed}${resting} ${resting === 1 ? "conversation" : "conversations"} at rest\n`;
}

function waits(status: Status, terminal: Terminal): string {
  const { transport, discovery, space, coreUsers, agents: agentList, conversations: rooms, at } = status;
  const names = new Map(agentList.map(({ agentId, name }) => [agentId, name ?? agentId]));
  const waiting: readonly (readonly [string, WaitStatus | undefined])[] = [
    ["homeserver", unreachedWait(transport)],
    ["discovery", discovery?.wait],
    ["space", space?.wait],
    ...coreUsers.map(({ userId, wait }) => [userId, wait] as const),
    ...agentList.map((agent) => [agent.name ?? agent.agentId, agent.wait] as const),
    ...rooms.map((room) => [`${names.get(room.agentId) ?? room.agentId} in ${room.roomId}`, room.wait] as const),
  ];
  return waitTable(waitsOf(waiting), at, terminal);
}
