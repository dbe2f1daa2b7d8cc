import { randomUUID } from "node:crypto";
import { z } from "zod";
import { digest } from "./accounts.ts";
import { type Content, isObject } from "./entries.ts";
import { Fault, notFound } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import type { Memberships } from "./memberships.ts";
import { authorizeEvent } from "./power.ts";
import type { Room } from "./room.ts";
import type { Asked, Route, Routes } from "./routing.ts";
import type { User } from "./state.ts";

const deleted = z.object({ devices: z.array(z.string()) });

/** Synapse's admin API, as far as it is in use. */
export function administrationRoutes(homeserver: Homeserver, memberships: Memberships): Routes {
  const { state } = homeserver;
  const demanded =
    (route: Route): Route =>
    (asked) => {
      homeserver.administrator(asked);
      return route(asked);
    };
  const user = ({ ids: [userId = ""] }: Asked): User => {
    const found = state.users.get(userId);
    if (found === undefined) throw notFound("User not found");
    return found;
  };
  const room = ({ ids: [roomId = ""] }: Asked): Room => {
    const found = state.rooms.get(roomId);
    if (found === undefined) throw notFound("Room not found");
    return found;
  };
  const shownUser = ({ userId, admin, displayname }: User) => ({
    name: userId,
    admin,
    deactivated: false,
    displayname: displayname ?? null,
  });
  const routes: Routes = {
    "GET /_synapse/admin/v2/users": () => ({
      users: [...state.users.values()].map(shownUser),
      total: state.users.size,
    }),
    "GET /_synapse/admin/v2/users/:": (asked) => shownUser(user(asked)),
    "GET /_synapse/admin/v2/users/:/devices": (asked) => {
      const devices = state.sessions.devicesOf(user(asked).userId).map((device_id) => ({ device_id }));
      return { devices, total: devices.length };
    },
    "POST /_synapse/admin/v2/users/:/delete_devices": (asked) => {
      const { devices } = deleted.parse(asked.body);
      for (const { token, deviceId } of state.sessions.of(user(asked).userId))
        if (deviceId !== undefined && devices.includes(deviceId)) state.commit({ what: "logout", token });
      return {};
    },
    "POST /_synapse/admin/v1/users/:/override_ratelimit": (asked) => {
      state.commit({ what: "exempt", userId: user(asked).userId });
      return { messages_per_second: 0, burst_count: 0 };
    },
    "POST /_synapse/admin/v1/reset_password/:": (asked) => {
      const password = digest(String(asked.body["new_password"]));
      const logOut = asked.body["logout_devices"] !== false;
      state.commit({ what: "password", userId: user(asked).userId, password, logOut });
      return {};
    },
    "POST /_synapse/admin/v1/users/:/login": (asked) => {
      const token = `syt_${randomUUID()}`;
      state.commit({ what: "session", userId: user(asked).userId, token });
      return { access_token: token };
    },
    "GET /_synapse/admin/v1/users/:/joined_rooms": (asked) => {
      const { userId } = user(asked);
      const rooms = [...state.roomsOf(userId)].filter((one) => one.isIn(userId)).map(({ id }) => id);
      return { joined_rooms: rooms, total: rooms.length };
    },
    "GET /_synapse/admin/v1/rooms": () => ({
      rooms: [...state.rooms.values()].map((one) => ({
        room_id: one.id,
        name: one.content("m.room.name")?.["name"] ?? null,
        canonical_alias: one.content("m.room.canonical_alias")?.["alias"] ?? null,
        creator: one.state("m.room.create")?.sender ?? null,
        room_type: one.content("m.room.create")?.["type"] ?? null,
        joined_members: one.joined.length,
      })),
      total_rooms: state.rooms.size,
    }),
    "GET /_synapse/admin/v1/rooms/:/state": (asked) => ({
      state: [...room(asked).stateAt(Number.POSITIVE_INFINITY).values()].map(({ event }) => event),
    }),
    "POST /_synapse/admin/v1/rooms/:/make_room_admin": (asked) => {
      const userId = String(asked.body["user_id"] ?? homeserver.administrator(asked).userId);
      empower(homeserver, memberships, room(asked), userId);
      return {};
    },
    "POST /_synapse/admin/v1/registration_tokens/new": ({ body }) => {
      const token = typeof body["token"] === "string" ? body["token"] : randomUUID();
      state.commit({ what: "registration token", token });
      return { token };
    },
  };
  return {
    "GET /_synapse/admin/v1/server_version": () => ({ server_version: "1.163.2" }),
    ...Object.fromEntries(Object.entries(routes).map(([pattern, route]) => [pattern, demanded(route)])),
  };
}

/** As whoever of this homeserver has the most power in the room. */
function empower(homeserver: Homeserver, memberships: Memberships, room: Room, userId: string): void {
  const levels: Content = room.content("m.room.power_levels") ?? {};
  const users = isObject(levels["users"]) ? levels["users"] : {};
  const byPower = Object.keys(users).sort((one, other) => Number(users[other]) - Number(users[one]));
  const creator = room.state("m.room.create")?.sender ?? "";
  const helper = [creator, ...byPower].find((one) => room.isIn(one));
  if (helper === undefined) throw new Fault(400, "M_UNKNOWN", "No local admin user in room");
  const content = { ...levels, users: { ...users, [userId]: users[helper] ?? 100 } };
  authorizeEvent(room, helper, "m.room.power_levels", "", content);
  const event = homeserver.event(room.id, { type: "m.room.power_levels", sender: helper, state_key: "", content });
  homeserver.state.commit({ what: "event", event });
  const { membership } = room.membershipOf(userId) ?? {};
  if (membership !== "join" && membership !== "invite") memberships.invite(room, helper, userId);
}
