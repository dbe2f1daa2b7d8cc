import { randomBytes } from "node:crypto";
import type { Content, StoredEvent } from "./entries.ts";
import { Fault, forbidden } from "./fault.ts";
import type { HomeserverOddities } from "./oddities.ts";
import { type Limit, RateLimits } from "./rate-limits.ts";
import type { Room } from "./room.ts";
import type { Asked } from "./routing.ts";
import type { HomeserverState, Session } from "./state.ts";
import type { Typing } from "./typing.ts";
import type { Waiting } from "./waiting.ts";

export interface HomeserverParts {
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  readonly oddities: HomeserverOddities;
  readonly state: HomeserverState;
  readonly waiting: Waiting;
  readonly typing: Typing;
}

export type NewEvent = Pick<StoredEvent, "type" | "sender" | "content" | "state_key" | "redacts">;

/** What all routes work on. */
export class Homeserver {
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  readonly oddities: HomeserverOddities;
  readonly state: HomeserverState;
  readonly waiting: Waiting;
  readonly typing: Typing;
  readonly #limits: RateLimits;

  constructor(parts: HomeserverParts) {
    this.serverName = parts.serverName;
    this.registrationSharedSecret = parts.registrationSharedSecret;
    this.oddities = parts.oddities;
    this.state = parts.state;
    this.waiting = parts.waiting;
    this.typing = parts.typing;
    this.#limits = new RateLimits(parts.oddities.rateLimits);
  }

  /** Who asks; throws where nobody is logged in so. */
  session({ token }: Asked): Session {
    if (token === undefined) throw new Fault(401, "M_MISSING_TOKEN", "Missing access token");
    const session = this.state.sessions.get(token);
    if (session === undefined)
      throw new Fault(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", { soft_logout: false });
    return session;
  }

  administrator(asked: Asked): Session {
    const session = this.session(asked);
    if (this.state.users.get(session.userId)?.admin !== true) throw forbidden("You are not a server admin");
    return session;
  }

  /** The room, for somebody who is in it; whoever is not hears the same as of a room that does not exist. */
  roomOf(roomId: string, userId: string): Room {
    const room = this.state.rooms.get(roomId);
    if (room?.isIn(userId) !== true) throw forbidden(`User ${userId} not in room ${roomId}`);
    return room;
  }

  /** Throws when the user (of whom `key` may say more) does this too often, unless its limits are lifted. */
  limit(limit: Limit, userId: string, key = userId): void {
    if (this.state.users.get(userId)?.exempt !== true) this.#limits.take(limit, key);
  }

  /** The same for what is asked before anybody is logged in. */
  limitAnybody(limit: Limit, key: string, options: { readonly update?: boolean } = {}): void {
    this.#limits.take(limit, key, options);
  }

  event(roomId: string, event: NewEvent): StoredEvent {
    return {
      event_id: `$${randomBytes(32).toString("base64url")}`,
      room_id: roomId,
      origin_server_ts: Date.now(),
      ...event,
    };
  }

  /** What somebody's membership says: a name and a picture where it is about being there. */
  memberContent(userId: string, membership: string, reason?: unknown): Content {
    const { displayname, avatar_url } = this.state.users.get(userId) ?? {};
    const isThere = membership === "join" || membership === "invite";
    return {
      membership,
      ...(isThere && displayname !== undefined && { displayname }),
      ...(isThere && avatar_url !== undefined && avatar_url !== "" && { avatar_url }),
      ...(typeof reason === "string" && { reason }),
    };
  }
}
