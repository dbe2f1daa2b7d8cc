import { isObject } from "./entries.ts";
import { Fault, forbidden, notFound } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import { levelOf, powerOf } from "./power.ts";
import type { Room } from "./room.ts";
import type { Asked, Routes } from "./routing.ts";

/** Who comes into rooms, and who leaves them. */
export class Memberships {
  readonly #homeserver: Homeserver;

  constructor(homeserver: Homeserver) {
    this.#homeserver = homeserver;
  }

  routes(): Routes {
    const homeserver = this.#homeserver;
    const target = ({ body }: Asked): string => String(body["user_id"] ?? "");
    const acting = (act: (room: Room, sender: string, asked: Asked) => void) => (asked: Asked) => {
      const { userId } = homeserver.session(asked);
      const [roomId = ""] = asked.ids;
      act(homeserver.roomOf(roomId, userId), userId, asked);
      return {};
    };
    return {
      "POST /v3/join/:": (asked) => this.#join(homeserver.session(asked).userId, asked.ids[0] ?? ""),
      "POST /v3/rooms/:/join": (asked) => this.#join(homeserver.session(asked).userId, asked.ids[0] ?? ""),
      "POST /v3/rooms/:/leave": (asked) => {
        const { userId } = homeserver.session(asked);
        const [roomId = ""] = asked.ids;
        const room = homeserver.state.rooms.get(roomId);
        if (room === undefined) throw new Fault(404, "M_UNKNOWN", "Not a known room");
        const { membership } = room.membershipOf(userId) ?? {};
        // As often as one likes, but not after somebody else has put one out.
        if (membership === "leave" && room.state("m.room.member", userId)?.sender === userId) return {};
        if (membership !== "join" && membership !== "invite") throw forbidden(`User ${userId} not in room ${roomId}`);
        this.#set(room, userId, userId, "leave");
        return {};
      },
      "POST /v3/rooms/:/invite": acting((room, sender, asked) => {
        const invitee = target(asked);
        homeserver.limit("inviteByRoom", sender, room.id);
        homeserver.limit("inviteByInvitee", sender, invitee);
        homeserver.limit("inviteByIssuer", sender);
        this.invite(room, sender, invitee);
      }),
      "POST /v3/rooms/:/kick": acting((room, sender, asked) => {
        const { membership } = room.membershipOf(target(asked)) ?? {};
        if (membership !== "join" && membership !== "invite") throw forbidden("The target user is not in the room");
        this.#demand(room, sender, "kick", target(asked));
        this.#set(room, sender, target(asked), "leave", asked.body["reason"]);
      }),
      "POST /v3/rooms/:/ban": acting((room, sender, asked) => {
        this.#demand(room, sender, "ban", target(asked));
        this.#set(room, sender, target(asked), "ban", asked.body["reason"]);
      }),
      "POST /v3/rooms/:/unban": acting((room, sender, asked) => {
        this.#demand(room, sender, "ban", target(asked));
        this.#set(room, sender, target(asked), "leave");
      }),
      "GET /v3/joined_rooms": (asked) => {
        const { userId } = homeserver.session(asked);
        return {
          joined_rooms: [...homeserver.state.roomsOf(userId)].filter((room) => room.isIn(userId)).map(({ id }) => id),
        };
      },
    };
  }

  /** Somebody who is invited already stays so, and nothing is sent. */
  invite(room: Room, sender: string, invitee: string): void {
    const now = room.membershipOf(invitee)?.membership;
    if (now === "join") throw forbidden(`${invitee} is already in the room.`);
    if (now === "ban") throw forbidden(`${invitee} is banned from the room`);
    this.#demand(room, sender, "invite");
    if (now !== "invite") this.#set(room, sender, invitee, "invite");
  }

  #join(userId: string, roomIdOrAlias: string): object {
    const homeserver = this.#homeserver;
    const { state } = homeserver;
    const alias = roomIdOrAlias.startsWith("#");
    if (alias && !state.aliases.has(roomIdOrAlias)) throw notFound(`Room alias ${roomIdOrAlias} not found`);
    const roomId = alias ? (state.aliases.get(roomIdOrAlias)?.roomId ?? "") : roomIdOrAlias;
    const room = state.rooms.get(roomId);
    // Where nobody of this homeserver is, it would have to ask others.
    if (room === undefined || room.joined.length === 0)
      throw new Fault(
        404,
        "M_UNKNOWN",
        "Can't join remote room because no servers that are in the room have been provided.",
      );
    if (room.isIn(userId)) return { room_id: roomId };
    homeserver.limit("join", userId);
    this.#demandEntry(room, userId);
    this.#set(room, userId, userId, "join");
    return { room_id: roomId };
  }

  #demandEntry(room: Room, userId: string): void {
    const now = room.membershipOf(userId)?.membership;
    if (now === "ban") throw forbidden("You are banned from this room");
    if (now === "invite") return;
    const rules = room.content("m.room.join_rules");
    if (rules?.["join_rule"] === "public") return;
    if (rules?.["join_rule"] !== "restricted") throw forbidden("You are not invited to this room.");
    const allowed = Array.isArray(rules["allow"]) ? rules["allow"] : [];
    const { rooms } = this.#homeserver.state;
    if (allowed.some((one: unknown) => isObject(one) && rooms.get(String(one["room_id"]))?.isIn(userId) === true))
      return;
    const { restrictedJoinStatus: status } = this.#homeserver.oddities;
    if (status === 403) throw forbidden("You do not belong to any of the required rooms/spaces to join this room.");
    throw new Fault(status, "M_UNKNOWN", "Internal server error");
  }

  #demand(room: Room, sender: string, level: "kick" | "ban" | "invite", target?: string): void {
    const power = powerOf(room, sender);
    if (power < levelOf(room, level)) throw forbidden(`You don't have permission to ${level}`);
    if (target !== undefined && powerOf(room, target) >= power) throw forbidden(`You cannot ${level} user ${target}.`);
  }

  #set(room: Room, sender: string, userId: string, membership: string, reason?: unknown): void {
    const content = this.#homeserver.memberContent(userId, membership, reason);
    const event = this.#homeserver.event(room.id, { type: "m.room.member", sender, state_key: userId, content });
    this.#homeserver.state.commit({ what: "event", event });
  }
}
