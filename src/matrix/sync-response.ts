import { z } from "zod";
import { type OnMalformed, parseEvents, reasonOf } from "./event.ts";
import type { InvitedRoom, JoinedRoom, SyncFilter, SyncResponse } from "./port.ts";

const rooms = z.record(z.string(), z.unknown()).optional();

/** The parts of /sync in use. Without `next_batch` it is no answer; everything below a room is judged by itself. */
export const syncAnswer = z.object({
  next_batch: z.string().min(1),
  rooms: z.object({ join: rooms, invite: rooms, leave: rooms }).optional(),
});

const joinedAnswer = z.object({
  timeline: z
    .object({
      events: z.array(z.unknown()).optional(),
      limited: z.boolean().optional(),
      prev_batch: z.string().optional(),
    })
    .optional(),
  state: z.object({ events: z.array(z.unknown()).optional() }).optional(),
});

const invitedAnswer = z.object({
  invite_state: z.object({ events: z.array(z.unknown()).optional() }).optional(),
});

/** Stripped state: no event id, no time. */
const invitation = z.object({
  type: z.literal("m.room.member"),
  state_key: z.string(),
  sender: z.string().startsWith("@"),
  content: z.object({ membership: z.literal("invite") }),
});

export function toSyncResponse(
  answer: z.infer<typeof syncAnswer>,
  userId: string,
  filter: SyncFilter,
  onMalformed: OnMalformed,
): SyncResponse {
  const { join = {}, invite = {}, leave = {} } = answer.rooms ?? {};
  const joined: JoinedRoom[] = [];
  for (const [roomId, room] of Object.entries(join)) {
    const report = (reason: string): void => onMalformed({ userId, roomId, reason });
    const parsed = joinedAnswer.safeParse(room);
    if (parsed.success) joined.push(toJoinedRoom(roomId, parsed.data, filter, report));
    else report(reasonOf(parsed.error));
  }
  return {
    nextBatch: answer.next_batch,
    joined,
    invited: Object.entries(invite).map(([roomId, room]) => toInvitedRoom(roomId, room, userId)),
    left: Object.keys(leave),
  };
}

function toJoinedRoom(
  roomId: string,
  { timeline, state }: z.infer<typeof joinedAnswer>,
  filter: SyncFilter,
  malformed: (reason: string) => void,
): JoinedRoom {
  return {
    roomId,
    timeline: parseEvents(timeline?.events ?? [], malformed).filter(({ type }) => isWanted(type, filter)),
    limited: timeline?.limited ?? false,
    state: parseEvents(state?.events ?? [], malformed),
    ...(timeline?.prev_batch === undefined ? {} : { prevBatch: timeline.prev_batch }),
  };
}

/** An invitation counts even when nothing can be told about it. */
function toInvitedRoom(roomId: string, room: unknown, userId: string): InvitedRoom {
  const parsed = invitedAnswer.safeParse(room);
  for (const event of (parsed.success && parsed.data.invite_state?.events) || []) {
    const membership = invitation.safeParse(event);
    if (membership.success && membership.data.state_key === userId) return { roomId, inviter: membership.data.sender };
  }
  return { roomId };
}

/** Whatever the filter, these are asked for: a room whose leave event is filtered out is not named as left (Synapse). */
const MEMBERSHIP = "m.room.member";

function isWanted(type: string, filter: SyncFilter): boolean {
  return type !== MEMBERSHIP || filter.timelineTypes.includes(MEMBERSHIP);
}

/** The filter as /sync takes it inline. What is not named is not wanted: `types: []` lets nothing through. */
export function encodeFilter(filter: SyncFilter): string {
  const nothing = { types: [] };
  const timelineTypes = [...new Set([...filter.timelineTypes, MEMBERSHIP])];
  return JSON.stringify({
    presence: nothing,
    account_data: nothing,
    room: {
      account_data: nothing,
      ephemeral: nothing,
      timeline: { types: timelineTypes, limit: filter.timelineLimit, not_senders: filter.notSenders ?? [] },
      state: { types: filter.stateTypes },
    },
  });
}
