import { randomBytes } from "node:crypto";
import type { AppserviceOddities } from "./appservice/oddities.ts";
import type { Appservice, Appservices } from "./appservice/registration.ts";
import type { Content, StoredEvent } from "./entries.ts";
import { Fault, forbidden } from "./fault.ts";
import type { HomeserverOddities } from "./oddities.ts";
import { type Limit, RateLimits } from "./rate-limits.ts";
import type { Room } from "./room.ts";
import type { Asked } from "./routing.ts";
import type { Session } from "./sessions.ts";
import type { HomeserverState } from "./state.ts";
import type { Typing } from "./typing.ts";
import type { Waiting } from "./waiting.ts";

export interface HomeserverParts {
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  readonly oddities: HomeserverOddities;
  readonly appserviceOddities: AppserviceOddities;
  readonly appservices: Appservices;
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
  readonly appserviceOddities: AppserviceOddities;
  readonly appservices: Appservices;
  readonly state: HomeserverState;
  readonly waiting: Waiting;
  readonly typing: Typing;
  readonly #limits: RateLimits;

  constructor(parts: HomeserverParts) {
    this.serverName = parts.serverName;
    this.registrationSharedSecret = parts.registrationSharedSecret;
    this.oddities = parts.oddities;
    this.appserviceOddities = parts.appserviceOddities;
    this.appservices = parts.appservices;
    this.state = parts.state;
    this.waiting = parts.waiting;
    this.typing = parts.typing;
    this.#limits = new RateLimits(parts.oddities.rateLimits);
  }

  /** Who asks; throws where nobody is logged in so. */
  session({ token, query }: Pick<Asked, "token" | "query">): Session {
    if (token === undefined) throw new Fault(401, "M_MISSING_TOKEN", "Missing access token");
    const appservice = this.appservices.byToken(token);
    if (appservice !== undefined) return this.#acting(appservice, token, query);
    const session = this.state.sessions.get(token);
    if (session === undefined)
      throw new Fault(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", { soft_logout: false });
    return session;
  }

  /** Throws when the name is an application service's, and somebody else's; or is none of its own. */
  reserveAlias(alias: string, { appservice }: Session): void {
    const owner = this.appservices.ownerOfAlias(alias);
    if (owner !== undefined && owner !== appservice)
      throw new Fault(400, "M_EXCLUSIVE", "This alias is reserved by an application service.");
    if (appservice !== undefined && owner === undefined)
      throw new Fault(400, "M_EXCLUSIVE", "This application service has not reserved this kind of alias.");
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
    const isFree = this.appservices.ownerOf(userId)?.registration.rateLimited === false;
    if (!isFree && this.state.users.get(userId)?.exempt !== true) this.#limits.take(limit, key);
  }

  /** The same for what is asked before anybody is logged in. */
  limitAnybody(limit: Limit, key: string, options: { readonly update?: boolean } = {}): void {
    this.#limits.take(limit, key, options);
  }

  event(roomId: string, event: NewEvent, at = Date.now()): StoredEvent {
    return {
      event_id: `$${randomBytes(32).toString("base64url")}`,
      room_id: roomId,
      origin_server_ts: at,
      ...event,
    };
  }

  /** An application service acts as whom it names, with the device that it names; else as its sender. */
  #acting(appservice: Appservice, token: string, query: URLSearchParams): Session {
    const userId = query.get("user_id") ?? appservice.sender;
    const deviceId = query.get("device_id") ?? undefined;
    const { masquerade, sender } = this.appserviceOddities;
    if (!appservice.covers(userId))
      throw new Fault(...masquerade, `Application service cannot masquerade as this user (${userId}).`);
    const mayBeNobody = userId === appservice.sender && sender === "acts";
    if (!this.state.users.has(userId) && !mayBeNobody)
      throw forbidden(`Application service has not registered this user (${userId})`);
    if (deviceId !== undefined && !this.state.sessions.devicesOf(userId).includes(deviceId))
      throw new Fault(400, "M_UNKNOWN_DEVICE", `Application service trying to use a device that doesn't exist`);
    return { userId, token, deviceId, appservice };
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
