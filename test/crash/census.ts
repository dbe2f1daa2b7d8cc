import { z } from "zod";
import { registerUser } from "../servers/matrix-users.ts";
import type { Synapse } from "../servers/synapse.ts";

/** A room as the homeserver's administrator sees it. */
export interface CountedRoom {
  readonly roomId: string;
  readonly creator: string;
  readonly isSpace: boolean;
  readonly alias: string | undefined;
}

/** Everybody and everything that there is on the homeserver. */
export interface Count {
  readonly users: readonly string[];
  readonly rooms: readonly CountedRoom[];
}

const users = z.object({ users: z.array(z.object({ name: z.string() })), total: z.number() });
const room = z.object({
  room_id: z.string(),
  creator: z.string(),
  room_type: z.string().nullish(),
  canonical_alias: z.string().nullish(),
});
const rooms = z.object({ rooms: z.array(room), total_rooms: z.number() });
const most = 1_000;

/** Counts users and rooms as an administrator of the homeserver, whom nothing else knows. */
export class Census {
  readonly #baseUrl: string;
  readonly #token: string;

  private constructor(baseUrl: string, token: string) {
    this.#baseUrl = baseUrl;
    this.#token = token;
  }

  static async begin(homeserver: Synapse): Promise<Census> {
    const { accessToken } = await registerUser(homeserver, "census", { admin: true });
    return new Census(homeserver.baseUrl, accessToken);
  }

  async take(): Promise<Count> {
    const [known, made] = await Promise.all([
      this.#ask(`v2/users?limit=${most}&guests=false`, users),
      this.#ask(`v1/rooms?limit=${most}`, rooms),
    ]);
    if (known.total > most || made.total_rooms > most) throw new Error(`there are more than ${most} users or rooms`);
    return {
      users: known.users.map(({ name }) => name),
      rooms: made.rooms.map((one) => ({
        roomId: one.room_id,
        creator: one.creator,
        isSpace: one.room_type === "m.space",
        alias: one.canonical_alias ?? undefined,
      })),
    };
  }

  async #ask<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    const response = await fetch(`${this.#baseUrl}/_synapse/admin/${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return answer.parse(JSON.parse(text));
  }
}
