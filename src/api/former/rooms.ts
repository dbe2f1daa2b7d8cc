import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { NamedRoom, Said } from "../../commands/guest/guests.ts";
import { reference } from "../../commands/reference.ts";
import type { Callers } from "./callers.ts";
import { asGuest, asHolder, type CommandSet, type Correspondence } from "./correspondence.ts";
import { refusedBody } from "./failures.ts";
import { assertServed } from "./homeserver-named.ts";
import type { FormerOptions } from "./options.ts";
import { answers, goneOf, type Scope } from "./scope.ts";

const token = z.string().max(4_096).nullish().describe("A letta-matrix token, or the caller's own Matrix token.");
const homeserver = z.string().max(1_024).nullish().describe("The one that the agents are on, or nothing.");
const roomId = reference.regex(/^![^\s]{1,254}$/, "must be a room id");
const credentials = { access_token: token, homeserver };

const toSend = z.object({ room_id: roomId, message: z.string().min(1).max(65_536), ...credentials });
const toGet = z.object({ room_id: roomId, limit: z.int().min(1).nullish(), ...credentials });
const toCreate = z.object({
  name: z.string().trim().min(1).max(255),
  topic: z.string().max(1_000).nullish(),
  invite: z
    .array(reference.max(255).regex(/^@[^:\s]+:\S+$/))
    .max(50)
    .nullish(),
  ...credentials,
});
const query = z.object({ homeserver: homeserver });
const recentQuery = z.object({ homeserver, limit: z.coerce.number().int().min(1).default(10) });

const message = z.object({
  sender: z.string(),
  body: z.string(),
  timestamp: z.number(),
  formatted_time: z.string(),
  event_id: z.string(),
});
const room = z.object({ room_id: z.string(), room_name: z.string() });

const sent = z.object({ success: z.literal(true), event_id: z.string().optional(), message: z.string() });
const got = z.object({ success: z.literal(true), messages: z.array(message), message: z.string() });
const recent = z.object({
  success: z.literal(true),
  messages: z.array(z.object({ ...room.shape, ...message.shape })),
  message: z.string(),
});
const listed = z.object({ success: z.literal(true), rooms: z.array(room), message: z.string() });
const created = z.object({ success: z.literal(true), room_id: z.string(), message: z.string() });

/** Messages that are given at once; whoever asks for more gets as many. */
const mostMessages = 100;
/** Of each room, where the last of all rooms are wanted. */
const perRoom = 5;
/** Rooms that are read at the same time, and in all. */
const atOnce = 5;
const mostRooms = 200;

/** Reading, writing and making rooms, under both names that each of these has had. */
export function roomRoutes(scope: Scope, options: FormerOptions, callers: Callers, commands: CommandSet): void {
  const before = {
    preValidation: async (request: FastifyRequest) => {
      callers.of(request);
    },
  };

  for (const url of ["/messages/send", "/send_message"])
    scope.post(
      url,
      {
        ...before,
        schema: schemaOf("Sends a text into a room.", { body: toSend, response: answers(sent, refusedBody) }),
      },
      async (request, reply) => {
        const { room_id, message } = request.body;
        const event_id = await (await correspondenceOf(request, reply, request.body.homeserver)).send(room_id, message);
        const said = event_id === undefined ? "Message accepted; it is sent as soon as that works" : "Message sent";
        return { success: true as const, ...(event_id !== undefined && { event_id }), message: said };
      },
    );

  for (const url of ["/messages/get", "/get_messages"])
    scope.post(
      url,
      {
        ...before,
        schema: schemaOf("The last messages of a room.", { body: toGet, response: answers(got, refusedBody) }),
      },
      async (request, reply) => {
        const { room_id, limit } = request.body;
        const correspondence = await correspondenceOf(request, reply, request.body.homeserver);
        const found = await correspondence.messages(room_id, Math.min(limit ?? perRoom, mostMessages));
        return { success: true as const, messages: found.map(shown), message: `${found.length} messages` };
      },
    );

  for (const url of ["/rooms/list", "/list_rooms"])
    scope.get(
      url,
      {
        ...before,
        schema: schemaOf("The caller's rooms.", { querystring: query, response: answers(listed, refusedBody) }),
      },
      async (request, reply) => {
        const found = await (await correspondenceOf(request, reply, request.query.homeserver)).rooms();
        const rooms = found.map(({ roomId, name }) => ({ room_id: roomId, room_name: name }));
        return { success: true as const, rooms, message: `${rooms.length} rooms` };
      },
    );

  scope.get(
    "/messages/recent",
    {
      ...before,
      schema: schemaOf("The last messages of all the caller's rooms.", {
        querystring: recentQuery,
        response: answers(recent, refusedBody),
      }),
    },
    async (request, reply) => {
      const { homeserver, limit } = request.query;
      const correspondence = await correspondenceOf(request, reply, homeserver);
      const rooms = await correspondence.rooms();
      const read = rooms.slice(0, mostRooms);
      const outcomes: PromiseSettledResult<z.output<typeof recent>["messages"]>[] = [];
      for (let next = 0; next < read.length; next += atOnce)
        outcomes.push(
          ...(await Promise.allSettled(read.slice(next, next + atOnce).map((one) => lastOf(correspondence, one)))),
        );
      // A room that cannot be read hides no other; but none of them is not the same as nothing in them.
      const [failed] = outcomes.filter((one) => one.status === "rejected");
      if (failed !== undefined && outcomes.every(({ status }) => status === "rejected")) throw failed.reason;
      const messages = outcomes.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      messages.sort((one, other) => other.timestamp - one.timestamp);
      const kept = messages.slice(0, Math.min(limit, mostMessages));
      const cut = read.length < rooms.length ? ` of ${rooms.length}` : "";
      return {
        success: true as const,
        messages: kept,
        message: `${kept.length} messages from ${read.length}${cut} rooms`,
      };
    },
  );

  scope.post(
    "/create_room",
    {
      ...before,
      schema: schemaOf("Makes a private room.", { body: toCreate, response: answers(created, refusedBody) }),
    },
    async (request, reply) => {
      const { name, topic, invite } = request.body;
      const wish = { name, ...(topic != null && { topic }), ...(invite != null && { invite }) };
      const room_id = await (await correspondenceOf(request, reply, request.body.homeserver)).createRoom(wish);
      return { success: true as const, room_id, message: "Room created" };
    },
  );

  async function correspondenceOf(
    request: FastifyRequest,
    reply: FastifyReply,
    named: string | null | undefined,
  ): Promise<Correspondence> {
    assertServed(named, options.homeserver);
    const caller = callers.of(request);
    const call = { requestId: request.id, signal: goneOf(reply) };
    if (caller.kind === "guest")
      return asGuest(await options.guests.enter(caller.accessToken, call.signal), options.audit, call);
    return asHolder(commands, { principal: caller.principal, ...call });
  }
}

async function lastOf(correspondence: Correspondence, { roomId, name }: NamedRoom) {
  const found = await correspondence.messages(roomId, perRoom);
  return found.map((said) => ({ room_id: roomId, room_name: name, ...shown(said) }));
}

/** The last moment that can be written as a date. Another homeserver may have stamped its event with any number. */
const lastMoment = 8.64e15;

function shown({ eventId, sender, text, at }: Said): z.output<typeof message> {
  const moment = new Date(Math.min(Math.max(0, at), lastMoment)).toISOString();
  const formatted_time = moment.slice(0, moment.indexOf(".")).replace("T", " ");
  return { sender, body: text, timestamp: at, formatted_time, event_id: eventId };
}

function schemaOf<T extends object>(summary: string, schema: T) {
  return { summary, tags: ["former"], ...schema };
}
