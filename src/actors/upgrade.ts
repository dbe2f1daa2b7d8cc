import { z } from "zod";
import type { RoomState } from "./room-state.ts";

/** A room that was replaced by another one names it; the other one names it back. */

const tombstone = z.object({ replacement_room: z.string().startsWith("!") });
const creation = z.object({ predecessor: z.object({ room_id: z.string() }) });

interface KnownRoom {
  readonly roomId: string;
  readonly state: RoomState;
}

/** The room that this one says to go on in. */
export function replacementOf(state: RoomState): string | undefined {
  const parsed = tombstone.safeParse(state.content("m.room.tombstone"));
  return parsed.success ? parsed.data.replacement_room : undefined;
}

/** Both rooms say so, and by the same user: whoever may end the old room can be believed about the new one. */
export function isUpgradeOf(older: KnownRoom, newer: KnownRoom): boolean {
  const created = creation.safeParse(newer.state.content("m.room.create"));
  return (
    replacementOf(older.state) === newer.roomId &&
    created.success &&
    created.data.predecessor.room_id === older.roomId &&
    newer.state.creator === older.state.event("m.room.tombstone")?.sender
  );
}
