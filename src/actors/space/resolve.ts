import type { Part } from "../../machines/space-context.ts";
import { type MatrixClient, MatrixError } from "../../matrix/port.ts";
import { assertOurs } from "../ownership.ts";
import { RoomState } from "../room-state.ts";
import { isChild, partOfChild } from "./child.ts";
import { aliasOf, ownerOf, type SpaceNames } from "./parts.ts";

/**
 * Finds a part of the space: by its alias, or where it was before that was taken away. `null` only when the homeserver
 * has said that there is none that the bot is in: then, and only then, another is made.
 */
export async function resolvePart(
  client: MatrixClient,
  names: SpaceNames,
  { part, spaceId }: Part,
  signal: AbortSignal,
): Promise<string | null> {
  const alias = aliasOf(names, part);
  const joined = new Set(await client.joinedRooms(signal));
  const named = await client.resolveAlias(alias, signal);
  if (named !== undefined) {
    await assertOurs(client, { alias, roomId: named, owner: ownerOf(part) }, signal);
    if (joined.has(named) && !(await isReplaced(client, named, signal))) return named;
    // One that the bot cannot act in any more. The next one needs the alias.
    await client.deleteAlias(alias, signal);
  }
  const known = part === 1 ? spaceId : await knownPart(client, spaceId, part, joined, signal);
  if (known === null || known === named || !joined.has(known)) return null;
  if (await isReplaced(client, known, signal)) return null;
  await giveAlias(client, alias, known, signal);
  return known;
}

/** The space itself knows its parts. */
async function knownPart(
  client: MatrixClient,
  spaceId: string | null,
  part: number,
  joined: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | null> {
  if (spaceId === null || !joined.has(spaceId)) return null;
  const state = await RoomState.read(client, spaceId, signal);
  const known = state
    .all("m.space.child")
    .find(({ sender, content }) => sender === client.userId && isChild(content) && partOfChild(content) === part);
  return known?.stateKey ?? null;
}

async function isReplaced(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<boolean> {
  const tombstone = await client.state(roomId, "m.room.tombstone", "", signal);
  return tombstone !== undefined && Object.keys(tombstone).length > 0;
}

async function giveAlias(client: MatrixClient, alias: string, roomId: string, signal: AbortSignal): Promise<void> {
  try {
    await client.createAlias(alias, roomId, signal);
  } catch (error) {
    const isTaken = error instanceof MatrixError && error.kind === "taken";
    if (!isTaken || (await client.resolveAlias(alias, signal)) !== roomId) throw error;
  }
}
