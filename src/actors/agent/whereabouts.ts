import { type MatrixClient, MatrixError } from "../../matrix/port.ts";
import { SquattedAlias } from "../ownership.ts";
import { RoomState } from "../room-state.ts";
import { isUpgradeOf, replacementOf } from "../upgrade.ts";

/** An agent is not in its room, and only somebody who is can let it in again. */
export class ShutOut extends Error {
  override readonly name = "ShutOut";
  readonly kind = "forbidden";
  readonly remedy: string;

  constructor(userId: string, roomId: string, options?: ErrorOptions) {
    super(`${userId} is not in its room ${roomId} any more, and is not let in again`, options);
    this.remedy = `invite ${userId} into ${roomId}`;
  }
}

const mostUpgrades = 20;

/**
 * Sees to it that the agent is in its room, and gives the room in which it goes on: another one, if it was upgraded.
 * Gives `undefined` when there is nobody left in the room who could let the agent in: nobody can enter it any more.
 */
export async function stayIn(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<string | undefined> {
  let current = roomId;
  let state = await enter(client, current, signal);
  for (let upgrades = 0; upgrades < mostUpgrades; upgrades++) {
    const next = state === undefined ? undefined : replacementOf(state);
    if (state === undefined || next === undefined) break;
    const upgraded = await enter(client, next, signal);
    if (upgraded === undefined) break;
    if (!isUpgradeOf({ roomId: current, state }, { roomId: next, state: upgraded })) {
      await client.leave(next, signal);
      throw new SquattedAlias(next);
    }
    [current, state] = [next, upgraded];
  }
  return state === undefined ? undefined : current;
}

async function enter(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<RoomState | undefined> {
  const state = await RoomState.read(client, roomId, signal).catch(unlessForbidden);
  if (state?.membershipOf(client.userId) === "join") return state;
  try {
    await client.join(roomId, signal);
  } catch (error) {
    if (isDeserted(error)) return undefined;
    if (error instanceof MatrixError && error.kind === "forbidden")
      throw new ShutOut(client.userId, roomId, { cause: error });
    throw error;
  }
  return RoomState.read(client, roomId, signal);
}

/** The homeserver knows of nobody in the room: it answers 404 to a join, while it forbids one into a room with people. */
function isDeserted(error: unknown): boolean {
  return (
    error instanceof MatrixError && error.httpStatus === 404 && (error.kind === "missing" || error.kind === "refused")
  );
}

function unlessForbidden(error: unknown): undefined {
  if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
}
