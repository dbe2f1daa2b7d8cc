import { jsonObject } from "./event.ts";
import type { Content, CreateRoomRequest } from "./port.ts";

interface InitialState {
  readonly type: string;
  readonly state_key: string;
  readonly content: Content;
}

/** Written out although a preset says some of it: presets are the server's to change. */
const PRIVATE_ROOM: readonly InitialState[] = [
  { type: "m.room.join_rules", state_key: "", content: { join_rule: "invite" } },
  { type: "m.room.history_visibility", state_key: "", content: { history_visibility: "shared" } },
  { type: "m.room.guest_access", state_key: "", content: { guest_access: "forbidden" } },
];

/** What the caller asks for, and of a private room's own state whatever the caller says nothing about. */
export function initialState(request: CreateRoomRequest): readonly InitialState[] {
  const asked = (request.initialState ?? []).map(({ type, stateKey, content }) => ({
    type,
    state_key: stateKey,
    content,
  }));
  const isAsked = ({ type }: InitialState): boolean => asked.some((own) => own.type === type && own.state_key === "");
  return [...PRIVATE_ROOM.filter((own) => !isAsked(own)), ...asked];
}

/**
 * Power levels for a room of this version (of an older one, if it is not known). Until version 11 the creator is a user like others, and would lock itself
 * out by not naming itself; from 12 on it stands above all levels and must not be named.
 */
export function powerLevelsOf(levels: Content, creator: string, roomVersion = ""): Content {
  const users = jsonObject.safeParse(levels["users"]);
  if (!users.success) return levels;
  const { [creator]: ownLevel = 100, ...others } = users.data;
  return { ...levels, users: hasPrivilegedCreator(roomVersion) ? others : { ...others, [creator]: ownLevel } };
}

function hasPrivilegedCreator(roomVersion: string): boolean {
  return Number(roomVersion) >= 12 || roomVersion.startsWith("org.matrix.hydra.");
}
