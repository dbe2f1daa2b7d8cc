import { isDeepStrictEqual } from "node:util";
import type { Content } from "./entries.ts";
import { Fault, forbidden, notFound } from "./fault.ts";
import type { Homeserver, NewEvent } from "./homeserver.ts";
import { assertMatrixJson } from "./matrix-json.ts";
import { authorizeEvent, levelOf, powerOf } from "./power.ts";
import type { Room } from "./room.ts";
import type { Asked, Routes } from "./routing.ts";
import type { Session } from "./sessions.ts";

/** Of an event with all that the server adds. */
const largestEvent = 65_536;

/** How events come into rooms, each once under its transaction id. */
export class Sending {
  readonly #homeserver: Homeserver;
  /** Transactions of those who have no device, of application services, and of all where the server keeps none. */
  readonly #unkept = new Map<string, string>();

  constructor(homeserver: Homeserver) {
    this.#homeserver = homeserver;
  }

  routes(): Routes {
    const homeserver = this.#homeserver;
    const setState = (asked: Asked): object => {
      const session = homeserver.session(asked);
      const [roomId = "", type = "", stateKey = ""] = asked.ids;
      return this.#setState(roomId, session.userId, type, stateKey, asked.body, timeOf(asked, session));
    };
    return {
      "PUT /v3/rooms/:/send/:/:": (asked) => {
        const [, type = ""] = asked.ids;
        return this.#once(asked, (room, sender) => {
          authorizeEvent(room, sender, type, undefined, asked.body);
          return { type, sender, content: asked.body };
        });
      },
      "PUT /v3/rooms/:/redact/:/:": (asked) => {
        const [, redacts = ""] = asked.ids;
        return this.#once(asked, (room, sender) => {
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

  #once(asked: Asked, build: (room: Room, sender: string) => NewEvent): object {
    const { state } = this.#homeserver;
    const session = this.#homeserver.session(asked);
    const [roomId = ""] = asked.ids;
    const { kept, unkept } = this.#names(session, asked.ids);
    const known =
      (unkept === undefined ? undefined : this.#unkept.get(unkept)) ??
      (kept === undefined ? undefined : state.transactions.get(kept));
    if (known !== undefined) return { event_id: known };
    const room = this.#homeserver.roomOf(roomId, session.userId);
    const event = this.#admit(room, build(room, session.userId), timeOf(asked, session));
    this.#homeserver.limit("message", session.userId);
    const eventId = event.event_id;
    state.commit(
      { what: "event", event },
      ...(kept === undefined ? [] : [{ what: "transaction", name: kept, eventId } as const]),
    );
    if (unkept !== undefined) this.#unkept.set(unkept, eventId);
    return { event_id: eventId };
  }

  /** Under what a transaction is known: for good, and to this process. The last of the ids is the transaction's. */
  #names(session: Session, ids: readonly string[]): { readonly kept?: string; readonly unkept?: string } {
    const { transactionScope, transactionsAreForgotten } = this.#homeserver.oddities;
    const [roomId = ""] = ids;
    const txnId = ids.at(-1);
    const { userId, deviceId, token, appservice } = session;
    const within = [txnId, ...(transactionScope === "room" ? [roomId] : [])];
    const isKept = !transactionsAreForgotten && (deviceId !== undefined || transactionScope === "device");
    const kept = isKept && { kept: JSON.stringify([userId, deviceId, ...within]) };
    const isShared = appservice !== undefined && this.#homeserver.appserviceOddities.transactionsIgnoreUsers;
    if (isShared) return { ...kept, unkept: JSON.stringify([token, ...ids]) };
    return kept || { unkept: JSON.stringify([token, userId, ...within]) };
  }

  /** What is so already is not said again. */
  #setState(
    roomId: string,
    sender: string,
    type: string,
    stateKey: string,
    content: Content,
    at: number | undefined,
  ): object {
    const room = this.#homeserver.roomOf(roomId, sender);
    const now = room.state(type, stateKey);
    if (type === "m.room.member" && (stateKey !== sender || content["membership"] !== "join"))
      throw forbidden("Memberships are changed by their own endpoints");
    authorizeEvent(room, sender, type, stateKey, content);
    if (type === "m.room.canonical_alias") this.#demandAlias(room, content);
    if (now?.sender === sender && isDeepStrictEqual(now.content, content)) return { event_id: now.event_id };
    const event = this.#admit(room, { type, sender, state_key: stateKey, content }, at);
    this.#homeserver.limit("message", sender);
    this.#homeserver.state.commit({ what: "event", event });
    return { event_id: event.event_id };
  }

  #admit(room: Room, given: NewEvent, at?: number) {
    assertMatrixJson(given.content);
    const event = this.#homeserver.event(room.id, given, at);
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

/** Application services may say when something was said; of others it is not believed. */
function timeOf({ query }: Asked, { appservice }: Session): number | undefined {
  const ts = Number(query.get("ts") ?? Number.NaN);
  return appservice !== undefined && Number.isSafeInteger(ts) ? ts : undefined;
}
