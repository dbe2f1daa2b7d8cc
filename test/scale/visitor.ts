import { z } from "zod";

const sent = z.object({ event_id: z.string() });

/** A person who goes into rooms and says something there, and does not listen: the homeserver's log tells the answers. */
export class Visitor {
  readonly userId: string;
  readonly #baseUrl: string;
  readonly #token: string;

  constructor({ baseUrl, userId, accessToken }: { baseUrl: string; userId: string; accessToken: string }) {
    this.userId = userId;
    this.#baseUrl = baseUrl;
    this.#token = accessToken;
  }

  async join(roomId: string): Promise<void> {
    await this.#call("POST", `/rooms/${encodeURIComponent(roomId)}/join`, {});
  }

  /** Gives the event's id. */
  async say(roomId: string, txnId: string, body: string): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(txnId)}`;
    return sent.parse(await this.#call("PUT", path, { msgtype: "m.text", body })).event_id;
  }

  async #call(method: string, path: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.#baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text);
  }
}
