import type { agentMachine } from "../../machines/agent/index.ts";
import type { Content, MatrixClient } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { Bot } from "../bot.ts";
import { inviteNewcomers } from "../invite.ts";
import { holds, RoomState } from "../room-state.ts";
import type { Sessions } from "../sessions.ts";
import { roomChild } from "../space/child.ts";
import type { RoomOptions } from "./room.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** Writes both directions of the link where they are missing, and takes back those to spaces that were ours before. */
export function linkToSpace(sessions: Sessions, { server, botUserId }: RoomOptions): AgentEffects["linkToSpace"] {
  const bot = new Bot(sessions, botUserId);
  return async ({ userId, agentId, name, roomId, spaceId }, { signal }) => {
    const child = roomChild(server, { agentId, name });
    await bot.act(async (client) => {
      const there = await client.state(spaceId, "m.space.child", roomId, signal);
      if (!holds(there, child)) await client.sendState(spaceId, "m.space.child", roomId, child, signal);
    }, signal);
    await pointToParent(sessions.as(userId), { roomId, spaceId, server }, signal);
  };
}

async function pointToParent(
  client: MatrixClient,
  { roomId, spaceId, server }: { readonly roomId: string; readonly spaceId: string; readonly server: string },
  signal: AbortSignal,
): Promise<void> {
  const parent: Content = { via: [server], canonical: true };
  const state = await RoomState.read(client, roomId, signal);
  for (const { stateKey = "", sender, content } of state.all("m.space.parent"))
    if (stateKey !== spaceId && sender === client.userId && "via" in content)
      await client.sendState(roomId, "m.space.parent", stateKey, {}, signal);
  if (!holds(state.content("m.space.parent", spaceId), parent))
    await client.sendState(roomId, "m.space.parent", spaceId, parent, signal);
}

export function invitePeople(
  sessions: Sessions,
  { people, admins, readers }: RoomOptions,
): AgentEffects["invitePeople"] {
  return async ({ userId, roomId }, { signal }) =>
    inviteNewcomers(sessions.as(userId), roomId, people, signal, [...admins, ...readers]);
}
