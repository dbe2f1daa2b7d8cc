import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { MatrixUser } from "../servers/matrix-users.ts";

/** An event of a room's timeline as any member reads it. */
export const roomEvent = z.object({
  event_id: z.string(),
  type: z.string(),
  sender: z.string(),
  origin_server_ts: z.number(),
  state_key: z.string().optional(),
  content: z.record(z.string(), z.unknown()),
});
export type RoomEvent = z.infer<typeof roomEvent>;

const sent = z.object({ event_id: z.string() });
const joined = z.object({ room_id: z.string() });
const synced = z.object({ next_batch: z.string() });
const page = z.object({ chunk: z.array(roomEvent), end: z.string().optional() });

class HomeserverSays extends Error {
  override readonly name = "HomeserverSays";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Where a message has the transaction id that it was said under. */
const saidUnder = "org.letta-matrix.test.said_under";
const retryEvery = 150;
const giveUpAfter = 180_000;

/** A person with a client of their own: keeps trying while the homeserver is down, as clients do. */
export class Person {
  readonly userId: string;
  readonly #baseUrl: string;
  readonly #token: string;

  constructor(baseUrl: string, user: MatrixUser) {
    this.userId = user.userId;
    this.#baseUrl = baseUrl;
    this.#token = user.accessToken;
  }

  /**
   * Says it once, however often it has to be tried, also where the homeserver forgets transaction ids when it is killed:
   * what is said is marked, and looked for before it is tried again. Gives the event id.
   */
  async send(roomId: string, txnId: string, content: object): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(txnId)}`;
    const marked = { ...content, [saidUnder]: txnId };
    const said = async () => {
      const recent = await this.#request("GET", `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50`, page);
      return recent.chunk.find(({ content, sender }) => sender === this.userId && content[saidUnder] === txnId);
    };
    return (await this.#persist("PUT", path, sent, marked, said)).event_id;
  }

  /** Puts a sign on an event, once, however often it has to be tried. */
  async react(roomId: string, eventId: string, key: string): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.reaction/${encodeURIComponent(`sign-on-${eventId}`)}`;
    const content = { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } };
    await this.#persist("PUT", path, sent, content);
  }

  /** Joins as soon as there is an invitation. Gives the room's id. */
  async join(alias: string): Promise<string> {
    const deadline = performance.now() + giveUpAfter;
    for (;;) {
      try {
        return (await this.#persist("POST", `/join/${encodeURIComponent(alias)}`, joined, {})).room_id;
      } catch (error) {
        const notYet = error instanceof HomeserverSays && [403, 404].includes(error.status);
        if (!notYet || performance.now() > deadline) throw error;
        await sleep(retryEvery);
      }
    }
  }

  /** Where all rooms' timelines end by now. */
  async place(): Promise<string> {
    const filter = JSON.stringify({ room: { timeline: { limit: 0 } } });
    const query = new URLSearchParams({ timeout: "0", filter });
    return (await this.#persist("GET", `/sync?${query.toString()}`, synced)).next_batch;
  }

  /** What came into the room's timeline after `from` (or from its beginning), oldest first, and the place behind it. */
  async read(roomId: string, from?: string): Promise<{ events: RoomEvent[]; end: string | undefined }> {
    const events: RoomEvent[] = [];
    let at = from;
    for (;;) {
      const query = new URLSearchParams({ dir: "f", limit: "200", ...(at !== undefined && { from: at }) });
      const { chunk, end } = await this.#persist(
        "GET",
        `/rooms/${encodeURIComponent(roomId)}/messages?${query.toString()}`,
        page,
      );
      events.push(...chunk);
      if (end === undefined || end === at || chunk.length === 0) return { events, end: end ?? at };
      at = end;
    }
  }

  async #persist<T>(
    method: string,
    path: string,
    answer: z.ZodType<T>,
    body?: object,
    already: () => Promise<T | undefined> = async () => undefined,
  ): Promise<T> {
    const deadline = performance.now() + giveUpAfter;
    for (let isFirst = true; ; isFirst = false) {
      try {
        const earlier = isFirst ? undefined : await already();
        return earlier ?? (await this.#request(method, path, answer, body));
      } catch (error) {
        const final = error instanceof HomeserverSays && error.status < 500 && error.status !== 429;
        if (final || performance.now() > deadline) throw error;
        await sleep(retryEvery);
      }
    }
  }

  async #request<T>(method: string, path: string, answer: z.ZodType<T>, body?: object): Promise<T> {
    const response = await fetch(`${this.#baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(20_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new HomeserverSays(response.status, `${method} ${path}: ${response.status} ${text}`);
    return answer.parse(JSON.parse(text));
  }
}
