import { z } from "zod";
import type { MatrixEvent } from "../../matrix/port.ts";
import { adoptionMarker, adoptionOf, roomMarker, roomOwnerOf } from "../marker.ts";
import { powerLevel, powerOf } from "../power-levels.ts";

/** What a room is like for an agent that is to make it its own. */
export interface RoomCheck {
  readonly isJoined: boolean;
  /** Whose room it is marked as. */
  readonly owner?: string;
  readonly mayMark: boolean;
  readonly isEncrypted: boolean;
  /** The agent made the room, or has adopted it before. */
  readonly isOurs: boolean;
}

const membership = z.object({ membership: z.string() });
const creation = z.object({ room_version: z.string().optional(), additional_creators: z.array(z.string()).optional() });
const levels = z.object({
  users: z.unknown().optional().transform(powerOf),
  users_default: powerLevel,
  events: z.unknown().optional().transform(powerOf),
  state_default: powerLevel,
});

/** By the room's whole state, as the agent's user sees it. */
export function checkRoom(state: readonly MatrixEvent[], userId: string, agentId: string): RoomCheck {
  const find = (type: string, key = "") => state.find((event) => event.type === type && event.stateKey === key);
  const create = find("m.room.create");
  const owner = roomOwnerOf(find(roomMarker)?.content);
  const adopted = find(adoptionMarker);
  const member = membership.safeParse(find("m.room.member", userId)?.content).data;
  return {
    isJoined: member?.membership === "join",
    ...(owner !== undefined && { owner }),
    mayMark: mayMark(create, find("m.room.power_levels")?.content, userId),
    isEncrypted: find("m.room.encryption") !== undefined,
    isOurs:
      (create?.sender === userId && owner === agentId) ||
      (adopted?.sender === userId && adoptionOf(adopted.content)?.agentId === agentId),
  };
}

function mayMark(create: MatrixEvent | undefined, content: unknown, userId: string): boolean {
  const parsed = levels.safeParse(content);
  // Without levels the creator alone has power.
  if (!parsed.success) return create?.sender === userId;
  if (hasCreatorsPower(create, userId)) return true;
  const { users, users_default: usersDefault = 0, events, state_default: stateDefault = 50 } = parsed.data;
  const own = users[userId] ?? usersDefault;
  return [roomMarker, adoptionMarker].every((type) => own >= (events[type] ?? stateDefault));
}

/** From version 12 on creators stand above all levels. */
function hasCreatorsPower(create: MatrixEvent | undefined, userId: string): boolean {
  const made = creation.safeParse(create?.content).data;
  if (create === undefined || !(Number(made?.room_version) >= 12)) return false;
  return create.sender === userId || (made?.additional_creators ?? []).includes(userId);
}
