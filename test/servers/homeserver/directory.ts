import { isObject } from "./entries.ts";
import { Fault, forbidden, notFound } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import { authorizeEvent } from "./power.ts";
import type { Routes } from "./routing.ts";

/** Aliases of rooms, and what is in a space. */
export function directoryRoutes(homeserver: Homeserver): Routes {
  const { state } = homeserver;
  const domainOf = (alias: string): string => alias.slice(alias.indexOf(":") + 1);
  return {
    "GET /v3/directory/room/:": ({ ids: [alias = ""] }) => {
      const found = state.aliases.get(alias);
      if (found !== undefined) return { room_id: found.roomId, servers: [homeserver.serverName] };
      // It is told to ask nobody else.
      if (domainOf(alias) !== homeserver.serverName) throw forbidden("Federation denied with that server");
      throw notFound(`Room alias ${alias} not found`);
    },
    "PUT /v3/directory/room/:": (asked) => {
      const session = homeserver.session(asked);
      const { userId } = session;
      const [alias = ""] = asked.ids;
      homeserver.reserveAlias(alias, session);
      const roomId = String(asked.body["room_id"]);
      homeserver.roomOf(roomId, userId);
      if (state.aliases.has(alias)) throw new Fault(409, "M_UNKNOWN", `Room alias ${alias} already exists`);
      state.commit({ what: "alias", alias, roomId, creator: userId });
      return {};
    },
    "DELETE /v3/directory/room/:": (asked) => {
      const { userId, appservice } = homeserver.session(asked);
      const [alias = ""] = asked.ids;
      const found = state.aliases.get(alias);
      if (found === undefined) throw notFound("Unknown room alias");
      const room = state.rooms.get(found.roomId);
      const isCanonical = room?.content("m.room.canonical_alias")?.["alias"] === alias;
      const mayChange =
        room !== undefined && isAllowed(() => authorizeEvent(room, userId, "m.room.canonical_alias", "", {}));
      const isAdministrator = state.users.get(userId)?.admin === true;
      const isReserved = appservice?.coversAlias(alias) === true;
      if (found.creator !== userId && !mayChange && !isAdministrator && !isReserved)
        throw forbidden("You don't have permission to delete the alias.");
      state.commit({ what: "alias deleted", alias });
      if (room === undefined || !isCanonical || !mayChange) return {};
      const event = { type: "m.room.canonical_alias", sender: userId, state_key: "", content: {} };
      state.commit({ what: "event", event: homeserver.event(room.id, event) });
      return {};
    },
    "GET /v1/rooms/:/hierarchy": (asked) => {
      const { userId } = homeserver.session(asked);
      const space = homeserver.roomOf(asked.ids[0] ?? "", userId);
      const children = [...space.stateAt(Number.POSITIVE_INFINITY).values()]
        .map(({ event }) => event)
        .filter(({ type, content }) => type === "m.space.child" && Array.isArray(content["via"]));
      const rooms = [space.id, ...children.map(({ state_key }) => state_key ?? "")].flatMap((roomId) => {
        const room = state.rooms.get(roomId);
        if (room?.readableBy(userId) === undefined && room?.membershipOf(userId)?.membership !== "invite") return [];
        const name = room.content("m.room.name")?.["name"];
        return [
          {
            room_id: roomId,
            ...(typeof name === "string" && { name }),
            ...typeOf(room.content("m.room.create")),
            num_joined_members: room.joined.length,
            world_readable: false,
            guest_can_join: false,
            children_state: roomId === space.id ? children : [],
          },
        ];
      });
      return { rooms };
    },
  };
}

function typeOf(create: unknown): object {
  return isObject(create) && typeof create["type"] === "string" ? { room_type: create["type"] } : {};
}

function isAllowed(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
