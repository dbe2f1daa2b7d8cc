import { type MatrixClient, MatrixError } from "../matrix/port.ts";
import { roomMarker, roomOwnerOf } from "./marker.ts";

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

/**
 * Throws {@link SquattedAlias} unless the client's own user created the room and marked it as this owner's. The mark
 * alone proves nothing: anybody can write it into a room of theirs.
 */
export async function assertOurs(
  client: MatrixClient,
  room: { readonly alias: string; readonly roomId: string; readonly owner: string },
  signal: AbortSignal,
): Promise<void> {
  const { alias, roomId, owner } = room;
  const mark = await client.state(roomId, roomMarker, "", signal).catch(unlessForbidden(alias));
  if (roomOwnerOf(mark) !== owner) throw new SquattedAlias(alias);
  const creator = await creatorOf(client, roomId, signal).catch(unlessForbidden(alias));
  if (creator !== client.userId) throw new SquattedAlias(alias);
}

const mostPages = 20;

/** Newer room versions name the creator only as the sender of the first event. */
async function creatorOf(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<string | undefined> {
  let from: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const request = { dir: "b", limit: 10, types: ["m.room.create"], ...(from !== undefined && { from }) } as const;
    const { chunk, end }: Awaited<ReturnType<MatrixClient["messages"]>> = await client.messages(
      roomId,
      request,
      signal,
    );
    const create = chunk.find(({ type, stateKey }) => type === "m.room.create" && stateKey === "");
    if (create !== undefined) return create.sender;
    if (end === undefined || end === from) return undefined;
    from = end;
  }
  return undefined;
}

function unlessForbidden(alias: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof MatrixError && error.kind === "forbidden") throw new SquattedAlias(alias, { cause: error });
    throw error;
  };
}
