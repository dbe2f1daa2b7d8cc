import { z } from "zod";
import type { AuditLog } from "../../commands/access/audit-log.ts";
import { audited, type BoundCommand, type Call } from "../../commands/command.ts";
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

/** As a person, whose changes are written down under its name, as the commands that do the same. */
export function asGuest(
  guest: Guest,
  audit: Pick<AuditLog, "record">,
  { requestId, signal }: Pick<Call, "requestId" | "signal">,
): Correspondence {
  const call = { principal: { name: guest.userId, scopes: new Set<never>() }, requestId };
  return {
    send: (target, text) =>
      audited(audit, call, { command: "messages.send", target }, () => guest.send(target, text, signal)),
    messages: (roomId, limit) => guest.messages(roomId, limit, signal),
    rooms: () => guest.rooms(signal),
    createRoom: (wish) =>
      audited(audit, call, { command: "rooms.create", target: wish.name }, () => guest.createRoom(wish, signal)),
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

const sent = z.object({ events: z.array(z.string()) });
const listed = z.object({
  messages: z.array(z.object({ event: z.string(), sender: z.string(), text: z.string(), at: z.number() })),
});
const places = z.object({
  rooms: z.array(z.object({ roomId: z.string(), agentId: z.string(), name: z.string().optional() })),
});
const created = z.object({ room: z.string() });

/** As the holder of a letta-matrix token: as the agent that it is bound to, or as the bot. */
export function asHolder(commands: CommandSet, call: Call): Correspondence {
  const { principal } = call;
  let known: Promise<z.output<typeof places>> | undefined;
  /** The agent that sees what is said in a room; the bot is in few. */
  const readerOf = async (roomId: string): Promise<{ readonly agent?: string }> => {
    if (principal.agentId !== undefined || !principal.scopes.has("messages:read")) return {};
    known ??= commands.ask("rooms", {}, places, {
      ...call,
      principal: { ...principal, scopes: new Set([...principal.scopes, "rooms:read" as const]) },
    });
    const agent = (await known).rooms.find((room) => room.roomId === roomId)?.agentId;
    return agent === undefined ? {} : { agent };
  };
  return {
    send: async (room, text) => (await commands.ask("messages.send", { room, text }, sent, call)).events[0],
    async messages(room, limit) {
      const request = { room, limit, ...(await readerOf(room)) };
      const { messages } = await commands.ask("messages.list", request, listed, call);
      return messages.map(({ event: eventId, ...said }) => ({ eventId, ...said }));
    },
    async rooms() {
      const found = (await commands.ask("rooms", {}, places, call)).rooms;
      // An agent's room is there once for each agent that is in it.
      return [...new Map(found.map(({ roomId, name = roomId }) => [roomId, { roomId, name }])).values()];
    },
    createRoom: async (wish) => (await commands.ask("rooms.create", { ...wish }, created, call)).room,
  };
}
