import { randomUUID } from "node:crypto";
import type { Content, MatrixClient, MatrixEvent } from "../../matrix/port.ts";
import { asGuest } from "./refusal.ts";

/** One message, as a reader of the room sees it. */
export interface Said {
  readonly eventId: string;
  readonly sender: string;
  readonly text: string;
  /** Ms since the epoch. */
  readonly at: number;
}

export interface NamedRoom {
  readonly roomId: string;
  readonly name: string;
}

export interface RoomWish {
  readonly name: string;
  readonly topic?: string;
  readonly invite?: readonly string[];
}

/** Rooms whose names are asked for at the same time. */
const atOnce = 5;
/** Rooms of one user that are shown. */
const mostRooms = 200;

/** A person who acts by its own token: what it does is what its own client could do, and nothing more. */
export class Guest {
  readonly userId: string;
  readonly #client: MatrixClient;

  constructor(client: MatrixClient) {
    this.userId = client.userId;
    this.#client = client.at("conversation");
  }

  send(roomId: string, text: string, signal: AbortSignal): Promise<string> {
    const content: Content = { msgtype: "m.text", body: text.toWellFormed() };
    return asGuest(this.#client.send(roomId, "m.room.message", randomUUID(), content, signal));
  }

  /** The last messages of a room, the newest first. */
  async messages(roomId: string, limit: number, signal: AbortSignal): Promise<readonly Said[]> {
    const request = { dir: "b", limit, types: ["m.room.message"] } as const;
    const { chunk } = await asGuest(this.#client.messages(roomId, request, signal));
    return chunk.flatMap(saidIn);
  }

  async rooms(signal: AbortSignal): Promise<readonly NamedRoom[]> {
    const ids = (await asGuest(this.#client.joinedRooms(signal))).slice(0, mostRooms);
    const found: NamedRoom[] = [];
    for (let next = 0; next < ids.length; next += atOnce)
      found.push(...(await Promise.all(ids.slice(next, next + atOnce).map((roomId) => this.#named(roomId, signal)))));
    return found;
  }

  createRoom({ name, topic, invite }: RoomWish, signal: AbortSignal): Promise<string> {
    const wish = { name, ...(topic !== undefined && { topic }), ...(invite !== undefined && { invite }) };
    return asGuest(this.#client.createRoom(wish, signal));
  }

  async #named(roomId: string, signal: AbortSignal): Promise<NamedRoom> {
    const name = (await asGuest(this.#client.state(roomId, "m.room.name", "", signal)))?.["name"];
    return { roomId, name: typeof name === "string" && name !== "" ? name : roomId };
  }
}

function saidIn({ eventId, sender, content, originServerTs }: MatrixEvent): Said[] {
  const { body } = content;
  return typeof body === "string" ? [{ eventId, sender, text: body, at: originServerTs }] : [];
}
