import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type RoomEvent, readEvent } from "./room-event.ts";

/** Where a client finds its homeserver, and who it is there. */
export interface Login {
  readonly baseUrl: string;
  readonly userId: string;
  readonly accessToken: string;
}

const timeline = z.object({
  events: z.array(z.unknown()),
  limited: z.boolean().optional(),
  prev_batch: z.string().optional(),
});
const ephemeralEvent = z.looseObject({ type: z.string(), content: z.record(z.string(), z.unknown()) });
const joinedRoom = z.looseObject({
  timeline,
  ephemeral: z.object({ events: z.array(ephemeralEvent) }).optional(),
});
const inviteEvent = z.looseObject({ type: z.string(), sender: z.string(), state_key: z.string().optional() });
const invitedRoom = z.object({ invite_state: z.object({ events: z.array(inviteEvent) }) });
const syncAnswer = z.object({
  next_batch: z.string(),
  rooms: z
    .object({
      join: z.record(z.string(), joinedRoom).optional(),
      invite: z.record(z.string(), invitedRoom).optional(),
    })
    .optional(),
});
const loginAnswer = z.object({ user_id: z.string(), access_token: z.string() });
const eventIdAnswer = z.object({ event_id: z.string() });
const messagesAnswer = z.object({ chunk: z.array(z.unknown()), end: z.string().optional() });
const typists = z.array(z.string());
const readers = z.record(z.string(), z.object({ "m.read": z.record(z.string(), z.unknown()).optional() }));

/** A relation or anything else that goes into a message beside its text. */
export type Extra = Readonly<Record<string, unknown>>;

/** What the homeserver says instead of an answer. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A human with a Matrix client of their own, which syncs all the time. It has nothing in common with the product. */
export class Person {
  readonly userId: string;
  readonly #login: Login;
  readonly #events = new Map<string, RoomEvent[]>();
  readonly #inviters = new Map<string, string>();
  readonly #typing = new Set<string>();
  readonly #reading = new Set<string>();
  readonly #watchers = new Set<() => void>();
  readonly #closing = new AbortController();
  #live: Promise<void> = Promise.resolve();

  constructor(login: Login) {
    this.userId = login.userId;
    this.#login = login;
  }

  /** One more client of a user, which was told nothing by the others. */
  static async logIn(baseUrl: string, userId: string, password: string): Promise<Person> {
    const nobody = new Person({ baseUrl, userId, accessToken: "" });
    const identifier = { type: "m.id.user", user: userId };
    const answer = await nobody.request("POST", "/login", { type: "m.login.password", identifier, password });
    const { access_token: accessToken } = loginAnswer.parse(answer);
    return new Person({ baseUrl, userId, accessToken }).open();
  }

  /** Begins to sync, and resolves with the first answer. */
  async open(): Promise<this> {
    const first = await this.#sync(undefined);
    this.#live = this.#follow(first);
    return this;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#live;
  }

  /** Everything that came from the room so far, in the homeserver's order. */
  events(roomId: string): readonly RoomEvent[] {
    return this.#events.get(roomId) ?? [];
  }

  /** Who has invited this person into the room. */
  inviter(roomId: string): string | undefined {
    return this.#inviters.get(roomId);
  }

  /** The room that a user has invited this person into. */
  invitedBy(userId: string): string | undefined {
    return [...this.#inviters].find(([, inviter]) => inviter === userId)?.[0];
  }

  sawTyping(roomId: string, userId: string): boolean {
    return this.#typing.has(`${roomId} ${userId}`);
  }

  /** Whether the user's read receipt was seen at the event. */
  sawReading(eventId: string, userId: string): boolean {
    return this.#reading.has(`${eventId} ${userId}`);
  }

  /** Resolves with what `look` finds; it looks again whenever something new has come. */
  until<T>(what: string, look: () => T | undefined, withinMs = 120_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(again);
      };
      const again = (): void => {
        const found = look();
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`${this.userId} waited ${withinMs} ms in vain for ${what}`));
      }, withinMs);
      this.#watchers.add(again);
      again();
    });
  }

  async join(roomId: string): Promise<void> {
    await this.request("POST", `/join/${encodeURIComponent(roomId)}`, {});
    await this.until(`${roomId} after joining it`, () => this.#events.get(roomId));
  }

  async leave(roomId: string): Promise<void> {
    await this.request("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
  }

  /** Sends a text and gives its event id. */
  say(roomId: string, body: string, extra: Extra = {}): Promise<string> {
    return this.send(roomId, { msgtype: "m.text", body, ...extra });
  }

  /** Sends a message with this content, or with this JSON text as it is. */
  async send(roomId: string, content: Extra | string, type = "m.room.message"): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${type}/${randomUUID()}`;
    return eventIdAnswer.parse(await this.request("PUT", path, content)).event_id;
  }

  /** Changes the text of an own message, as clients do. */
  edit(roomId: string, eventId: string, body: string): Promise<string> {
    return this.say(roomId, `* ${body}`, {
      "m.new_content": { msgtype: "m.text", body },
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
  }

  react(roomId: string, eventId: string, key: string): Promise<string> {
    return this.send(roomId, { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } }, "m.reaction");
  }

  async redact(roomId: string, eventId: string): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/${randomUUID()}`;
    await this.request("PUT", path, {});
  }

  /** The whole room as the homeserver has it now, oldest first. */
  async history(roomId: string): Promise<RoomEvent[]> {
    const events: RoomEvent[] = [];
    for (let from = ""; ; ) {
      const { page, place } = await this.#page(roomId, from);
      events.unshift(...page.reverse());
      if (place === undefined) return events;
      from = place;
    }
  }

  /** The content of a state event. */
  state(roomId: string, type: string, stateKey = ""): Promise<unknown> {
    const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`;
    return this.request("GET", path);
  }

  /** A file that was uploaded, as clients fetch it. */
  async download(mxc: string, how: "download" | "thumbnail" = "download", query = ""): Promise<Blob> {
    const url = `${this.#login.baseUrl}/_matrix/client/v1/media/${how}/${mxc.slice("mxc://".length)}${query}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${this.#login.accessToken}` } });
    if (!response.ok) throw new Error(`${how} of ${mxc}: ${response.status} ${await response.text()}`);
    return await response.blob();
  }

  /** Asks the homeserver for `/_matrix/client/v3` + path, or for a path of its own that begins with `/_`. */
  async request(method: string, path: string, body?: Extra | string): Promise<unknown> {
    const url = `${this.#login.baseUrl}${path.startsWith("/_") ? "" : "/_matrix/client/v3"}${path}`;
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${this.#login.accessToken}` },
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(90_000)]),
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    throw new Refusal(response.status, `${method} ${path} as ${this.userId}: ${response.status} ${text.slice(0, 300)}`);
  }

  async #follow(since: string): Promise<void> {
    let next = since;
    while (!this.#closing.signal.aborted) {
      try {
        next = await this.#sync(next);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        // Tests stop the homeserver too; a client tries again.
        await new Promise((resolve) => setTimeout(resolve, 200));
        const isAway = error instanceof Refusal && error.status >= 500;
        if (!(isAway || error instanceof TypeError || error instanceof DOMException)) throw error;
      }
    }
  }

  async #sync(since: string | undefined): Promise<string> {
    const query = since === undefined ? "timeout=0" : `timeout=30000&since=${encodeURIComponent(since)}`;
    const filter = encodeURIComponent('{"room":{"timeline":{"limit":100000}},"presence":{"types":[]}}');
    const answer = syncAnswer.parse(await this.request("GET", `/sync?${query}&filter=${filter}`));
    for (const [roomId, room] of Object.entries(answer.rooms?.invite ?? {})) {
      const invitation = room.invite_state.events.find(
        ({ type, state_key: invitee }) => type === "m.room.member" && invitee === this.userId,
      );
      if (invitation !== undefined) this.#inviters.set(roomId, invitation.sender);
    }
    const joined = Object.entries(answer.rooms?.join ?? {});
    // All is fetched before anything is taken: an answer whose gaps can't be filled now is asked for once more, whole.
    const news = await Promise.all(joined.map(([roomId, room]) => this.#newsOf(roomId, room)));
    for (const [index, [roomId, room]] of joined.entries()) this.#take(roomId, news[index] ?? [], room);
    for (const watcher of this.#watchers) watcher();
    return answer.next_batch;
  }

  /** The events of an answer that are new, with those that it left out. */
  async #newsOf(roomId: string, room: z.infer<typeof joinedRoom>): Promise<readonly RoomEvent[]> {
    const known = this.#events.get(roomId);
    const { limited, prev_batch: from, events } = room.timeline;
    const told = events.map((event) => readEvent(event, roomId));
    // A busy Synapse also calls a room "limited" that was joined while it made the answer before, which had the room
    // already, and tells its events once more.
    return limited === true && known !== undefined ? await this.#since(roomId, known, told, from) : told;
  }

  #take(roomId: string, news: readonly RoomEvent[], room: z.infer<typeof joinedRoom>): void {
    this.#events.set(roomId, [...this.events(roomId), ...news]);
    for (const { type, content } of room.ephemeral?.events ?? []) {
      if (type === "m.typing")
        for (const userId of typists.parse(content["user_ids"])) this.#typing.add(`${roomId} ${userId}`);
      if (type !== "m.receipt") continue;
      for (const [eventId, receipts] of Object.entries(readers.parse(content)))
        for (const userId of Object.keys(receipts["m.read"] ?? {})) this.#reading.add(`${eventId} ${userId}`);
    }
  }

  /** The events of a room after the known ones, oldest first: of those told, and of those left out before them. */
  async #since(
    roomId: string,
    known: readonly RoomEvent[],
    told: readonly RoomEvent[],
    from: string | undefined,
  ): Promise<readonly RoomEvent[]> {
    const ids = new Set(known.map(({ eventId }) => eventId));
    const after: RoomEvent[] = [];
    let page = told.toReversed();
    for (let place = from; ; ) {
      const end = page.findIndex(({ eventId }) => ids.has(eventId));
      after.unshift(...page.slice(0, end === -1 ? undefined : end).reverse());
      if (end !== -1) return after;
      if (place === undefined) throw new Error(`events of ${roomId} were left out, and lead to none of the known ones`);
      ({ page, place } = await this.#page(roomId, place));
    }
  }

  /** Some events of a room, newest first, and the place of older ones. */
  async #page(roomId: string, from: string): Promise<{ page: RoomEvent[]; place: string | undefined }> {
    const query = `dir=b&limit=500${from === "" ? "" : `&from=${encodeURIComponent(from)}`}`;
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?${query}`;
    const { chunk, end } = messagesAnswer.parse(await this.request("GET", path));
    return { page: chunk.map((event) => readEvent(event, roomId)), place: end };
  }
}
