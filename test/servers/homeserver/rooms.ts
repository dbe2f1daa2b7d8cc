import { randomBytes } from "node:crypto";
import { z } from "zod";
import { parsed } from "./accounts.ts";
import { type Content, type Entry, isObject } from "./entries.ts";
import { Fault } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import type { Memberships } from "./memberships.ts";
import { authorizeEvent, hasPrivilegedCreators } from "./power.ts";
import type { Routes } from "./routing.ts";

const object = z.custom<Content>(isObject);
const newRoom = z.object({
  room_alias_name: z.string().optional(),
  name: z.string().optional(),
  topic: z.string().optional(),
  invite: z.array(z.string()).default([]),
  room_version: z.string().optional(),
  creation_content: object.optional(),
  preset: z.string().optional(),
  initial_state: z
    .array(z.object({ type: z.string(), state_key: z.string().default(""), content: object }))
    .default([]),
  power_level_content_override: object.optional(),
});

export type NewRoom = z.infer<typeof newRoom>;

/** State that another room takes over from the one that it replaces. */
const inherited = [
  "m.room.name",
  "m.room.topic",
  "m.room.avatar",
  "m.room.join_rules",
  "m.room.history_visibility",
  "m.room.guest_access",
];

const levels = {
  users_default: 0,
  events: {
    "m.room.name": 50,
    "m.room.power_levels": 100,
    "m.room.history_visibility": 100,
    "m.room.canonical_alias": 50,
    "m.room.avatar": 50,
    "m.room.server_acl": 100,
    "m.room.encryption": 100,
  },
  events_default: 0,
  state_default: 50,
  ban: 50,
  kick: 50,
  redact: 50,
  invite: 0,
  historical: 100,
};

/** How rooms are made, and replaced. */
export function roomRoutes(homeserver: Homeserver, memberships: Memberships): Routes {
  const { state } = homeserver;
  return {
    "GET /v3/capabilities": (asked) => {
      homeserver.session(asked);
      const available = Object.fromEntries(["9", "10", "11", "12"].map((version) => [version, "stable"]));
      return { capabilities: { "m.room_versions": { default: homeserver.oddities.roomVersion, available } } };
    },
    "POST /v3/createRoom": (asked) => {
      const session = homeserver.session(asked);
      const { userId } = session;
      homeserver.limit("message", userId);
      homeserver.limit("roomCreation", userId);
      const request = parsed(newRoom, asked.body);
      const { room_alias_name: name } = request;
      if (name !== undefined) homeserver.reserveAlias(`#${name}:${homeserver.serverName}`, session);
      const { roomId, entries } = made(homeserver, userId, request);
      state.commit(...entries);
      const room = homeserver.roomOf(roomId, userId);
      for (const invitee of request.invite) memberships.invite(room, userId, invitee);
      return { room_id: roomId };
    },
    "POST /v3/rooms/:/upgrade": (asked) => {
      const { userId } = homeserver.session(asked);
      const old = homeserver.roomOf(asked.ids[0] ?? "", userId);
      const version = String(asked.body["new_version"]);
      const predecessor = { room_id: old.id, event_id: old.events.at(-1)?.event.event_id ?? "" };
      const { type } = old.content("m.room.create") ?? {};
      const { users, ...others } = old.content("m.room.power_levels") ?? {};
      const kept = isObject(users)
        ? Object.entries(users).filter(([user]) => user !== userId || !hasPrivilegedCreators(version))
        : [];
      const { roomId, entries } = made(homeserver, userId, {
        invite: [],
        room_version: version,
        creation_content: { predecessor, ...(type !== undefined && { type }) },
        initial_state: inherited.flatMap((name) => {
          const content = old.content(name);
          return content === undefined ? [] : [{ type: name, state_key: "", content }];
        }),
        power_level_content_override: { ...others, users: Object.fromEntries(kept) },
      });
      const tombstone = { body: "This room has been replaced", replacement_room: roomId };
      authorizeEvent(old, userId, "m.room.tombstone", "", tombstone);
      const aliases = [...state.aliases].filter(([, { roomId: named }]) => named === old.id);
      state.commit(
        {
          what: "event",
          event: homeserver.event(old.id, {
            type: "m.room.tombstone",
            sender: userId,
            state_key: "",
            content: tombstone,
          }),
        },
        ...entries,
        ...aliases.map(([alias, { creator }]): Entry => ({ what: "alias", alias, roomId, creator })),
      );
      return { replacement_room: roomId };
    },
  };
}

function made(homeserver: Homeserver, creator: string, request: NewRoom): { roomId: string; entries: Entry[] } {
  const version = request.room_version ?? homeserver.oddities.roomVersion;
  const isAbove = hasPrivilegedCreators(version);
  const roomId = `!${randomBytes(24).toString("base64url")}${isAbove ? "" : `:${homeserver.serverName}`}`;
  const alias =
    request.room_alias_name === undefined ? undefined : `#${request.room_alias_name}:${homeserver.serverName}`;
  if (alias !== undefined && homeserver.state.aliases.has(alias))
    throw new Fault(400, "M_ROOM_IN_USE", "Room alias already taken");
  const override = request.power_level_content_override ?? {};
  const { users } = override;
  if (isObject(users) && Object.hasOwn(users, creator) === isAbove)
    throw new Fault(400, "M_BAD_JSON", `Not a valid power_level_content_override: 'users' and ${creator}`);
  const events: Entry[] = [];
  const set = (type: string, content: Content, stateKey = ""): void => {
    events.push({
      what: "event",
      event: homeserver.event(roomId, { type, sender: creator, state_key: stateKey, content }),
    });
  };
  const isGiven = (type: string): boolean => request.initial_state.some((one) => one.type === type);
  set("m.room.create", {
    ...request.creation_content,
    room_version: version,
    ...(Number(version) < 11 && { creator }),
  });
  set("m.room.member", homeserver.memberContent(creator, "join"), creator);
  const tombstone = { "m.room.tombstone": isAbove ? 150 : 100 };
  const own = { ...levels, events: { ...levels.events, ...tombstone }, users: isAbove ? {} : { [creator]: 100 } };
  set("m.room.power_levels", { ...own, ...override });
  if (alias !== undefined) set("m.room.canonical_alias", { alias });
  const joinRule = request.preset === "public_chat" ? "public" : "invite";
  if (!isGiven("m.room.join_rules")) set("m.room.join_rules", { join_rule: joinRule });
  if (!isGiven("m.room.history_visibility")) set("m.room.history_visibility", { history_visibility: "shared" });
  if (!isGiven("m.room.guest_access")) set("m.room.guest_access", { guest_access: "can_join" });
  for (const { type, state_key, content } of request.initial_state) set(type, content, state_key);
  if (request.name !== undefined) set("m.room.name", { name: request.name });
  if (request.topic !== undefined) set("m.room.topic", { topic: request.topic });
  if (alias !== undefined) events.push({ what: "alias", alias, roomId, creator });
  return { roomId, entries: events };
}
