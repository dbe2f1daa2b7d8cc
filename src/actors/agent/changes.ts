import type { MatrixEvent } from "../../matrix/port.ts";

/** State of the agent's own room that is looked at again when somebody else changes it. */
export const changeTypes: readonly string[] = [
  "m.room.name",
  "m.room.topic",
  "m.room.avatar",
  "m.room.power_levels",
  "m.room.join_rules",
  "m.room.history_visibility",
  "m.room.guest_access",
  "m.room.canonical_alias",
  "m.room.tombstone",
  "m.space.parent",
  "m.room.member",
];

export interface OwnRoom {
  readonly roomId: string;
  /** Users that are invited again when they left. */
  readonly core: ReadonlySet<string>;
}

/** Whether these events of a room's timeline changed something that may have to be put right. */
export function isChanged(events: readonly MatrixEvent[], roomId: string, own: OwnRoom): boolean {
  return roomId === own.roomId && events.some((event) => isChange(event, own));
}

function isChange({ type, stateKey, content }: MatrixEvent, { core }: OwnRoom): boolean {
  if (stateKey === undefined || !changeTypes.includes(type)) return false;
  // People come and go as they like.
  return type !== "m.room.member" || (core.has(stateKey) && content["membership"] === "leave");
}
