import { forbidden } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import type { Routes } from "./routing.ts";

const typingMs = 30_000;

/** Who is typing, and what has been read. */
export function presenceRoutes(homeserver: Homeserver): Routes {
  return {
    "PUT /v3/rooms/:/typing/:": (asked) => {
      const { userId } = homeserver.session(asked);
      const [roomId = "", of] = asked.ids;
      if (of !== userId) throw forbidden("Cannot set another user's typing state");
      homeserver.roomOf(roomId, userId);
      const { typing, timeout } = asked.body;
      homeserver.typing.set(
        roomId,
        userId,
        typing === true ? (typeof timeout === "number" ? timeout : typingMs) : undefined,
      );
      return {};
    },
    "POST /v3/rooms/:/receipt/:/:": (asked) => {
      const { userId } = homeserver.session(asked);
      const [roomId = "", kind, eventId = ""] = asked.ids;
      homeserver.roomOf(roomId, userId);
      if (kind === "m.read") homeserver.state.commit({ what: "receipt", roomId, userId, eventId, ts: Date.now() });
      return {};
    },
  };
}
