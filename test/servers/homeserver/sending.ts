import { isDeepStrictEqual } from "node:util";
import type { Content, Entry } from "./entries.ts";
import { Fault, forbidden, notFound } from "./fault.ts";
import type { Homeserver, NewEvent } from "./homeserver.ts";
import { authorizeEvent, levelOf, powerOf } from "./power.ts";
import type { Room } from "./room.ts";
import type { Asked, Routes } from "./routing.ts";
import type { Session } from "./state.ts";

/** Of an event with all that the server adds. */
const largestEvent = 65_536;

/** How events come into rooms, each once under its transaction id. */
export class Sending {
  readonly #homeserver: Homeserver;
  /** Transactions of those who have no device, and of all where the server keeps none. */
  readonly #unkept = new Map<string, string>();

  constructor(homeserver: Homeserver) {
    this.#homeserver = homeserver;
  }

  routes(): Routes {
    const homeserver = this.#homeserver;
    const setState = (asked: Asked): object => {
      const { userId } = homeserver.session(asked);
      const [roomId = "", type = "", stateKey = ""] = asked.ids;
      return this.#setState(roomId, userId, type, stateKey, asked.body);
    };
    return {
      "PUT /v3/rooms/:/send/:/:": (asked) => {
        const [roomId = "", type = "", txnId = ""] = asked.ids;
        return this.#once(homeserver.session(asked), roomId, txnId, (room, sender) => {
          authorizeEvent(room, sender, type, undefined, asked.body);
          return { type, sender, content: asked.body };
        });
      },
      "PUT /v3/rooms/:/redact/:/:": (asked) => {
        const [roomId = "", redacts = "", txnId = ""] = asked.ids;
        return this.#once(homeserver.session(asked), roomId, txnId, (room, sender) => {
          const target = room.find(redacts);
          if (target === undefined) throw notFound("Could not find event");
          if (target.sender !== sender && powerOf(room, sender) < levelOf(room, "redact"))
            throw forbidden("You don't have permission to redact events");
          authorizeEvent(room, sender, "m.room.redaction", undefined, {});
          return { type: "m.room.redaction", sender, redacts, content: { ...asked.body, redacts } };
        });
      },
      "PUT /v3/rooms/:/state/:": setState,
      "PUT /v3/rooms/:/state/:/:": setState,
    };
  }

  #once(session: Session, roomId: string, txnId: string, build: (room: Room, sender: string) => NewEvent): object {
    const { state } = this.#homeserver;
    const { transactionScope, transactionsAreForgotten } = this.#homeserver.oddities;
    const isKept = session.deviceId !== undefined && !transactionsAreForgotten;
    const sender = isKept ? [session.userId, session.deviceId] : [session.token];
    const name = JSON.stringify([...sender, txnId, ...(transactionScope === "room" ? [roomId] : [])]);
    const known = isKept ? state.transactions.get(name) : this.#unkept.get(name);
    if (known !== undefined) return { event_id: known };
    const room = this.#homeserver.roomOf(roomId, session.userId);
    const event = this.#admit(room, build(room, session.userId));
    this.#homeserver.limit("message", session.userId);
    const transaction: Entry = { what: "transaction", name, eventId: event.event_id };
    state.commit({ what: "event", event }, ...(isKept ? [transaction] : []));
    if (!isKept) this.#unkept.set(name, event.event_id);
    return { event_id: event.event_id };
  }

  /** What is so already is not said again. */
  #setState(roomId: string, sender: string, type: string, stateKey: string, content: Content): object {
    const room = this.#homeserver.roomOf(roomId, sender);
    const now = room.state(type, stateKey);
    if (type === "m.room.member" && (stateKey !== sender || content["membership"] !== "join"))
      throw forbidden("Memberships are changed by their own endpoints");
    authorizeEvent(room, sender, type, stateKey, content);
    if (type === "m.room.canonical_alias") this.#demandAlias(room, content);
    if (now?.sender === sender && isDeepStrictEqual(now.content, content)) return { event_id: now.event_id };
    const event = this.#admit(room, { type, sender, state_key: stateKey, content });
    this.#homeserver.limit("message", sender);
    this.#homeserver.state.commit({ what: "event", event });
    return { event_id: event.event_id };
  }

  #admit(room: Room, given: NewEvent) {
    if (!isMatrixJson(given.content)) throw new Fault(400, "M_BAD_JSON", "JSON integer out of range, or a float");
    const event = this.#homeserver.event(room.id, given);
    if (Buffer.byteLength(JSON.stringify(event)) > largestEvent)
      throw new Fault(413, this.#homeserver.oddities.tooLarge, "event too large");
    return event;
  }

  #demandAlias(room: Room, { alias, alt_aliases: others }: Content): void {
    const { aliases } = this.#homeserver.state;
    const named: unknown[] = [...(alias === undefined ? [] : [alias]), ...(Array.isArray(others) ? others : [])];
    if (named.some((one) => aliases.get(String(one))?.roomId !== room.id))
      throw new Fault(400, "M_BAD_ALIAS", "Room alias does not point to the room");
  }
}

function isMatrixJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isMatrixJson);
}
