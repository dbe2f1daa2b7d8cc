import { z } from "zod";
import { type CreateRoomRequest, type MatrixClient, MatrixError } from "../matrix/port.ts";
import { isLastWord } from "./last-word.ts";
import { deedMarker } from "./marker.ts";

/** A room that a caller has asked for under an alias of its own. */
export interface AskedRoom {
  readonly room: string;
  /** What was asked for when it was made, where that is known. */
  readonly deed?: string | undefined;
}

export interface RoomWish {
  readonly alias: string;
  /** That an earlier version would have given it, whoever asked. */
  readonly formerAlias: string;
  readonly deed: string;
  readonly request: CreateRoomRequest;
  /** It may have been asked for before. */
  readonly mayBeMade: boolean;
}

/** The room of this alias, made now if there is none: one, however often and by how many at once it is asked for. */
export async function makeOnce(
  client: MatrixClient,
  { alias, formerAlias, deed, request, mayBeMade }: RoomWish,
  signal: AbortSignal,
): Promise<AskedRoom> {
  const earlier = mayBeMade
    ? ((await find(client, alias, signal)) ?? (await findFormer(client, formerAlias, signal)))
    : undefined;
  if (earlier !== undefined) return earlier;
  try {
    return { room: await client.createRoom({ ...request, creationContent: { [deedMarker]: deed } }, signal), deed };
  } catch (error) {
    // Of two at the same moment one makes it. Homeservers tell the other so in various ways.
    const isRefused = error instanceof MatrixError && (error.kind === "taken" || error.kind === "refused");
    const made = isRefused ? await find(client, alias, signal) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

const creation = z.object({ [deedMarker]: z.string() });

/** It is the caller's own: else it would have another alias. */
async function find(client: MatrixClient, alias: string, signal: AbortSignal): Promise<AskedRoom | undefined> {
  const room = await client.resolveAlias(alias, signal);
  // While it is being made nobody is in it, though it has its alias already.
  return room === undefined ? undefined : ((await lookInto(client, room, signal)) ?? { room });
}

/** It may be another one's, who has asked under the same key. */
async function findFormer(client: MatrixClient, alias: string, signal: AbortSignal): Promise<AskedRoom | undefined> {
  const room = await client.resolveAlias(alias, signal);
  return room === undefined ? undefined : lookInto(client, room, signal);
}

/** Nothing is known of a room that the user is not in. */
async function lookInto(client: MatrixClient, room: string, signal: AbortSignal): Promise<AskedRoom | undefined> {
  try {
    const content = await client.state(room, "m.room.create", "", signal);
    return { room, deed: creation.safeParse(content).data?.[deedMarker] };
  } catch (error) {
    if (isLastWord(error)) return undefined;
    throw error;
  }
}
