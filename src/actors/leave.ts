import { type MatrixClient, MatrixError } from "../matrix/port.ts";

/** Leaves a room, or declines its invitation. False if there was nothing to leave, now or before: who leaves again has left. */
export async function leaveOnce(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<boolean> {
  return (await client.leave(roomId, signal)) || (await wasIn(client, roomId, signal));
}

/** Of a room in which one never was nothing can be read. */
async function wasIn(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await client.state(roomId, "m.room.member", client.userId, signal)) !== undefined;
  } catch (error) {
    if (error instanceof MatrixError && (error.kind === "forbidden" || error.kind === "missing")) return false;
    throw error;
  }
}
