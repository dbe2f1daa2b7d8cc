import { MatrixError, type SyncRequest, type SyncResponse } from "../../matrix/port.ts";

/** Of each room, where what was asked for is too much. */
const leaner = [5, 1];

/**
 * Syncs with ever less of each room's timeline for as long as the answer is too much: an agent in hundreds of busy rooms
 * would be deaf in all of them. What is left out is read back, room by room. A poll that is held is not repeated: trouble
 * with it is followed by one that is not.
 */
export async function syncLeanly<R extends SyncRequest>(
  request: R,
  sync: (request: R) => Promise<SyncResponse>,
  [less, ...evenLess]: readonly number[] = leaner,
): Promise<SyncResponse> {
  try {
    return await sync(request);
  } catch (error) {
    const isTooMuch = error instanceof MatrixError && error.isTooMuch && request.timeoutMs === 0;
    if (!isTooMuch || less === undefined) throw error;
    return syncLeanly({ ...request, filter: { ...request.filter, timelineLimit: less } }, sync, evenLess);
  }
}
