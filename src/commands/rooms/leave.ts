import { z } from "zod";
import { leaveOnce } from "../../actors/leave.ts";
import { isPart } from "../../actors/space/child.ts";
import { addressOf } from "../../machines/addresses.ts";
import type { Command, CommandContext } from "../command.ts";
import { asAgent, roomId, type Speaker, speakerOf } from "../messages/speaker.ts";
import { knownAgent } from "../status/known-agent.ts";

const input = z.strictObject({ room: roomId, agent: asAgent });
const output = z.object({ room: z.string() });

/** Leaves a room. */
export const roomsLeave: Command<typeof input, typeof output, "host" | "server" | "botUserId" | "sessions"> = {
  name: "rooms.leave",
  summary: "Leaves a room, or declines its invitation.",
  guidance: "To have nothing more to do with a room. No agent leaves its own.",
  scope: "rooms:write",
  changes: true,
  input,
  output,
  async run({ room, agent }, context, call) {
    const speaker = await speakerOf(agent, call, context);
    assertNotOwn(room, speaker, context);
    if (speaker.agent === undefined) await assertNotSpace(room, context, call.signal);
    const client = context.sessions.as(speaker.userId).at("conversation");
    if (!(await leaveOnce(client, room, call.signal))) throw new NeverThere();
    return { room };
  },
};

type Records = Pick<CommandContext, "host" | "server">;

/** The room of another one is left like any other. */
function assertNotOwn(room: string, { agent }: Speaker, { host, server }: Records): void {
  const record = agent && host.read(addressOf.agent(server, agent.agentId));
  if (knownAgent.safeParse(record?.context).data?.roomId === room) throw new OwnRoom();
}

const spaces = z.object({ spaceId: z.string().optional(), lastId: z.string().optional(), parts: z.number() });

/** The bot's record names the first and the last part; those between stand in the first. */
async function assertNotSpace(
  room: string,
  { host, server, sessions, botUserId }: Records & Pick<CommandContext, "sessions" | "botUserId">,
  signal: AbortSignal,
): Promise<void> {
  const { spaceId, lastId, parts = 0 } = spaces.safeParse(host.read(addressOf.space(server))?.context).data ?? {};
  const isMiddle = async () =>
    spaceId !== undefined && parts > 2 && isPart(sessions.as(botUserId).at("conversation"), spaceId, room, signal);
  if (room === spaceId || room === lastId || (await isMiddle())) throw new OwnSpace();
}

/** Nobody has left anything. */
export class OwnRoom extends Error {
  override readonly name = "OwnRoom";
  override readonly message = "this is the agent's own room, which would be made again";
  readonly remedy = "Retire the agent in Letta instead.";
}

/** Nobody has left anything. */
export class OwnSpace extends Error {
  override readonly name = "OwnSpace";
  override readonly message = "this is the space that holds the agents' rooms, which the bot looks after";
  readonly remedy = "Name the agent that is to leave it, if one is meant: the bot stays.";
}

/** There was nothing to leave. */
export class NeverThere extends Error {
  override readonly name = "NeverThere";
  override readonly message =
    "this user is not in that room, nor invited, and never was as far as the homeserver tells";
  readonly remedy = "Look for the room's id and for who is in it with `rooms`, and name the agent that is to leave.";
}
