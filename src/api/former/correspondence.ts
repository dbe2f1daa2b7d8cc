import { z } from "zod";
import type { BoundCommand, Call } from "../../commands/command.ts";
import type { Guest, NamedRoom, RoomWish, Said } from "../../commands/guest/guests.ts";
import { Refused } from "./failures.ts";

/** What the former routes do in rooms, whoever calls. */
export interface Correspondence {
  /** Gives the event id, once the message stands in the room. */
  send(roomId: string, text: string): Promise<string | undefined>;
  /** The newest first. */
  messages(roomId: string, limit: number): Promise<readonly Said[]>;
  rooms(): Promise<readonly NamedRoom[]>;
  createRoom(wish: RoomWish): Promise<string>;
}

export function asGuest(guest: Guest, signal: AbortSignal): Correspondence {
  return {
    send: (roomId, text) => guest.send(roomId, text, signal),
    messages: (roomId, limit) => guest.messages(roomId, limit, signal),
    rooms: () => guest.rooms(signal),
    createRoom: (wish) => guest.createRoom(wish, signal),
  };
}

/** The commands by their names. */
export class CommandSet {
  readonly #commands: ReadonlyMap<string, BoundCommand>;

  constructor(commands: readonly BoundCommand[]) {
    this.#commands = new Map(commands.map((command) => [command.name, command]));
  }

  /** What the command answers, read by what is needed of it. Throws what the command throws. */
  async ask<T>(name: string, input: object, answer: z.ZodType<T>, call: Call): Promise<T> {
    const command = this.#commands.get(name);
    if (command === undefined) throw new Refused(404, `"${name}" is not served here.`);
    return answer.parse(await command.execute(input, call));
  }
}

const sent = z.object({ eventId: z.string().optional() });
const listed = z.object({
  messages: z.array(z.object({ eventId: z.string(), sender: z.string(), text: z.string(), at: z.number() })),
});
const rooms = z.object({ rooms: z.array(z.object({ roomId: z.string(), name: z.string().optional() })) });
const created = z.object({ roomId: z.string() });

/** As the holder of a letta-matrix token: as the agent that it is bound to, or as the bot. */
export function asHolder(commands: CommandSet, call: Call): Correspondence {
  return {
    send: async (roomId, text) => (await commands.ask("messages.send", { room: roomId, text }, sent, call)).eventId,
    async messages(roomId, limit) {
      const found = (await commands.ask("messages.list", { room: roomId, limit }, listed, call)).messages;
      return [...found].sort((one, other) => other.at - one.at);
    },
    async rooms() {
      const found = (await commands.ask("rooms", {}, rooms, call)).rooms;
      // An agent's room is there once for each agent that is in it.
      return [...new Map(found.map(({ roomId, name = roomId }) => [roomId, { roomId, name }])).values()];
    },
    createRoom: async (wish) => (await commands.ask("rooms.create", { ...wish }, created, call)).roomId,
  };
}
