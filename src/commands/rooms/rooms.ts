import { hash } from "node:crypto";
import { z } from "zod";
import { makeOnce } from "../../actors/asked-room.ts";
import type { Call, Command, CommandContext } from "../command.ts";
import { idempotencyKey, KeyTaken, named } from "../messages/naming.ts";
import { asAgent, fullUserId, roomId, speakerOf } from "../messages/speaker.ts";
import { limit, next, pageOf, paging } from "../paging.ts";

type Needs = "host" | "server" | "botUserId" | "sessions";

const userId = fullUserId.describe("A Matrix user id.");

/** A client that acts as whom the caller may act as. */
async function clientFor(agent: string | undefined, context: Pick<CommandContext, Needs>, call: Call) {
  const { userId: speaker } = await speakerOf(agent, call, context);
  return context.sessions.as(speaker).at("conversation");
}

const creating = z.strictObject({
  name: z.string().trim().min(1).max(255).describe("The room's name."),
  topic: z.string().max(1_000).exactOptional().describe("What it is about."),
  invite: z.array(userId).max(50).default([]).describe("Who is invited."),
  agent: asAgent,
  key: idempotencyKey,
});

const created = z.object({ room: z.string() });

/** Makes a private room. */
export const roomsCreate: Command<typeof creating, typeof created, Needs> = {
  name: "rooms.create",
  summary: "Makes a private room, as an agent or as the bot, and invites people.",
  guidance: "For a talk of several. Agents have rooms of their own already: `rooms` lists them.",
  scope: "rooms:write",
  changes: true,
  input: creating,
  output: created,
  async run({ name, topic, invite, agent, key }, context, call) {
    const { userId: speaker } = await speakerOf(agent, call, context);
    const client = context.sessions.as(speaker).at("conversation");
    const given = { name, invite, ...(topic !== undefined && { topic }) };
    const wish = named(call, key, { command: "rooms.create", given });
    const aliasLocalpart = localpartFor(wish.key, speaker);
    const asked = {
      alias: `#${aliasLocalpart}:${context.server}`,
      formerAlias: `#${formerLocalpartFor(wish.key)}:${context.server}`,
      deed: wish.deed,
      request: { aliasLocalpart, ...given },
      mayBeMade: key !== undefined,
    };
    const { room, deed = wish.deed } = await makeOnce(client, asked, call.signal);
    if (deed !== wish.deed) throw new KeyTaken();
    return { room };
  },
};

/** So that the same wish gives the same room however often it is made, and nobody one that another user has made. */
function localpartFor(key: string, speaker: string): string {
  return `letta_room_${hash("sha256", JSON.stringify([key, speaker]), "hex").slice(0, 24)}`;
}

/** As earlier versions named it, whoever spoke. */
function formerLocalpartFor(key: string): string {
  return `letta_room_${key.replaceAll(/[^\w]/g, "").slice(0, 24).toLowerCase()}`;
}

const one = z.strictObject({ room: roomId, agent: asAgent });
const nothing = z.object({ room: z.string() });

const inviting = one.extend({ user: userId });

/** Invites somebody into a room. */
export const roomsInvite: Command<typeof inviting, typeof nothing, Needs> = {
  name: "rooms.invite",
  summary: "Invites somebody into a room.",
  guidance: "To have somebody come into a room. Who is there already is not invited again.",
  scope: "rooms:write",
  changes: true,
  input: inviting,
  output: nothing,
  async run({ room, agent, user }, context, call) {
    const client = await clientFor(agent, context, call);
    await client.invite(room, user, call.signal);
    return { room };
  },
};

const member = z.object({ user: z.string(), membership: z.string(), name: z.string().exactOptional() });
const listing = one.extend({ ...paging, limit: limit.default(100) });
const members = z.object({ room: z.string(), members: z.array(member), next });
const membership = z.object({ membership: z.string(), displayname: z.string().nullish() });

/** Who is in a room. */
export const roomsMembers: Command<typeof listing, typeof members, Needs> = {
  name: "rooms.members",
  summary: "Who is in a room, or invited into it.",
  guidance: "To see whom a message in this room reaches.",
  scope: "rooms:read",
  changes: false,
  input: listing,
  output: members,
  async run({ room, agent, ...asked }, context, call) {
    const client = await clientFor(agent, context, call);
    const state = await client.roomState(room, call.signal);
    const there = state.flatMap(({ type, stateKey: user, content }) => {
      const { data } = membership.safeParse(content);
      if (type !== "m.room.member" || user === undefined || data === undefined) return [];
      if (data.membership !== "join" && data.membership !== "invite") return [];
      const name = data.displayname ?? undefined;
      return [{ user, membership: data.membership, ...(name !== undefined && { name }) }];
    });
    const { shown, following } = pageOf("members", there, ({ user }) => user, asked);
    return { room, members: [...shown], ...following };
  },
};

/** Enters a room. */
export const roomsJoin: Command<typeof one, typeof nothing, Needs> = {
  name: "rooms.join",
  summary: "Enters a room that one is invited into, or that is open.",
  guidance: "To be heard in a room and to read it. Invitations of known people are accepted by themselves.",
  scope: "rooms:write",
  changes: true,
  input: one,
  output: nothing,
  async run({ room, agent }, context, call) {
    const client = await clientFor(agent, context, call);
    return { room: await client.join(room, call.signal) };
  },
};
