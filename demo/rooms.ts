import { agentLocalpart } from "../src/machines/addresses.ts";
import type { MatrixClient, SyncFilter } from "../src/matrix/port.ts";

/** The person accepts the agents' invitations, as a client would let them do. */

// Synapse leaves out rooms of which the filter lets nothing through; each room has been created.
const filter: SyncFilter = { timelineTypes: [], timelineLimit: 1, stateTypes: ["m.room.create"] };

export interface AgentRooms {
  readonly spaceAlias: string;
  /** By agent id. */
  readonly rooms: ReadonlyMap<string, AgentRoom>;
}

export interface AgentRoom {
  readonly alias: string;
  readonly roomId: string;
}

export interface Wanted {
  readonly serverName: string;
  readonly agentIds: readonly string[];
  readonly spaceAliasLocalpart: string;
}

/** Joins the space and the agents' rooms as soon as the invitations come; resolves when the person is in all of them. */
export async function joinAgentRooms(client: MatrixClient, wanted: Wanted, signal: AbortSignal): Promise<AgentRooms> {
  const { serverName, agentIds, spaceAliasLocalpart } = wanted;
  const spaceAlias = `#${spaceAliasLocalpart}:${serverName}`;
  const aliases = new Map(agentIds.map((agentId) => [agentId, `#${agentLocalpart(agentId)}:${serverName}`]));
  const joined = new Set<string>();
  const rooms = new Map<string, AgentRoom>();
  let spaceId: string | undefined;
  let since: string | undefined;
  for (;;) {
    const request = { timeoutMs: since === undefined ? 0 : 10_000, filter, ...(since !== undefined && { since }) };
    const synced = await client.sync(request, signal);
    since = synced.nextBatch;
    for (const { roomId } of synced.joined) joined.add(roomId);
    for (const { roomId } of synced.invited) joined.add(await client.join(roomId, signal));

    spaceId ??= await client.resolveAlias(spaceAlias, signal);
    for (const [agentId, alias] of aliases) {
      if (rooms.has(agentId)) continue;
      const roomId = await client.resolveAlias(alias, signal);
      if (roomId !== undefined && joined.has(roomId)) rooms.set(agentId, { alias, roomId });
    }
    if (spaceId !== undefined && joined.has(spaceId) && rooms.size === aliases.size) return { spaceAlias, rooms };
  }
}
