import { type MatrixClient, MatrixError } from "../matrix/port.ts";
import { adoptionMarker, adoptionOf, roomMarker, roomOwnerOf } from "./marker.ts";
import { RoomState } from "./room-state.ts";
import { isUpgradeOf } from "./upgrade.ts";

/** An alias of ours names a room that is not ours: using it would hand its owner what is said there. */
export class SquattedAlias extends Error {
  override readonly name = "SquattedAlias";
  readonly kind = "squatted";
  readonly remedy: string;

  constructor(alias: string, options?: ErrorOptions) {
    super(`${alias} names a room that is not ours`, options);
    this.remedy = `find out who owns ${alias}, and delete the alias if nobody needs it`;
  }
}

/** A room of ours that is not whole: the homeserver is at making it, or was killed meanwhile. */
export class HalfMadeRoom extends Error {
  override readonly name = "HalfMadeRoom";
  readonly kind = "unfinished";
  readonly remedy: string;
  /** How many pieces of its state are there: a homeserver that is at it adds to them. */
  readonly pieces: number;

  constructor(alias: string, pieces: number) {
    super(`${alias} names a room of ours that is not whole yet`);
    this.pieces = pieces;
    this.remedy = `wait, since the homeserver may be slow; if nothing changes, delete ${alias}, and another room is made`;
  }
}

/** A room upgraded more often than this is no room anybody talks in. */
const mostUpgrades = 20;

/**
 * Throws {@link SquattedAlias} unless the client's own user created the room, or adopted it, and it is marked as this
 * owner's, or the room is what such a room was upgraded to. The mark alone proves nothing: anybody can write it into a
 * room of theirs. Throws {@link HalfMadeRoom} if the user created the room and no mark ever came into it.
 */
export async function assertOurs(
  client: MatrixClient,
  room: { readonly alias: string; readonly roomId: string; readonly owner: string },
  signal: AbortSignal,
): Promise<void> {
  const { alias, owner } = room;
  const read = (roomId: string): Promise<RoomState> =>
    RoomState.read(client, roomId, signal).catch(unlessForbidden(alias));
  let { roomId } = room;
  let state = await read(roomId);
  for (let upgrades = 0; !isMadeOrAdopted(state, client.userId, owner); upgrades++) {
    const before = predecessorOf(state);
    if (before === undefined || upgrades === mostUpgrades) throw new SquattedAlias(alias);
    const older = await read(before);
    if (!isUpgradeOf({ roomId: before, state: older }, { roomId, state })) throw new SquattedAlias(alias);
    [roomId, state] = [before, older];
  }
  const isHalfMade = state.event(roomMarker) === undefined && state.event(adoptionMarker) === undefined;
  if (isHalfMade && roomId === room.roomId) throw new HalfMadeRoom(alias, state.size);
  if (roomOwnerOf(state.content(roomMarker)) !== owner) throw new SquattedAlias(alias);
}

/** Nobody but the user itself, or who has its password, sends in its name. */
function isMadeOrAdopted(state: RoomState, userId: string, owner: string): boolean {
  const adopted = state.event(adoptionMarker);
  return state.creator === userId || (adopted?.sender === userId && adoptionOf(adopted.content)?.agentId === owner);
}

function predecessorOf(state: RoomState): string | undefined {
  const predecessor = state.content("m.room.create")?.["predecessor"];
  if (typeof predecessor !== "object" || predecessor === null || !("room_id" in predecessor)) return undefined;
  return typeof predecessor.room_id === "string" ? predecessor.room_id : undefined;
}

function unlessForbidden(alias: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof MatrixError && error.kind === "forbidden") throw new SquattedAlias(alias, { cause: error });
    throw error;
  };
}
