import { agentLocalpart } from "../../machines/addresses.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Content } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { Bot } from "../bot.ts";
import { inviteNewcomers } from "../invite.ts";
import { isRetired, roomMark, roomMarker } from "../marker.ts";
import { assertOurs } from "../ownership.ts";
import type { Sessions } from "../sessions.ts";
import { roomChild } from "../space/child.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

export interface RoomOptions {
  readonly server: string;
  /** The user that owns the space. */
  readonly botUserId: string;
  /** User ids. */
  readonly people: readonly string[];
  /** `{agent}` stands for the agent's name. */
  readonly nameTemplate: string;
}

/** Finds the agent's room by its alias. A room that is not ours is refused, not used. */
export function resolveRoom(sessions: Sessions, { server }: RoomOptions): AgentEffects["resolveRoom"] {
  return async ({ userId, agentId }, { signal }) => {
    const client = sessions.as(userId);
    const alias = `#${agentLocalpart(agentId)}:${server}`;
    const roomId = await client.resolveAlias(alias, signal);
    if (roomId === undefined) return { roomId: null };
    await assertOurs(client, { alias, roomId, owner: agentId }, signal);
    if (!isRetired(await client.state(roomId, roomMarker, "", signal))) return { roomId };
    // The room of an earlier life, which could not give its alias free.
    await client.deleteAlias(alias, signal);
    return { roomId: null };
  };
}

/** Creates the room in one request, by its alias: when that exists by now, the next resolving finds it. */
export function createRoom(sessions: Sessions, { server, nameTemplate }: RoomOptions): AgentEffects["createRoom"] {
  return async ({ userId, agentId, name, spaceId }, { signal }) => {
    const roomId = await sessions.as(userId).createRoom(
      {
        aliasLocalpart: agentLocalpart(agentId),
        // By a function, since a text's `$` would have a meaning of its own.
        name: nameTemplate.replaceAll("{agent}", () => name),
        topic: `Talk to the Letta agent ${name}. Every message here gets one answer.`,
        initialState: [
          { type: roomMarker, stateKey: "", content: roomMark(agentId) },
          { type: "m.space.parent", stateKey: spaceId, content: { via: [server], canonical: true } },
        ],
      },
      signal,
    );
    return { roomId };
  };
}

/** Writes both directions of the link. Writing what stands there already changes nothing. */
export function linkToSpace(sessions: Sessions, { server, botUserId }: RoomOptions): AgentEffects["linkToSpace"] {
  const bot = new Bot(sessions, botUserId);
  return async ({ userId, agentId, name, roomId, spaceId }, { signal }) => {
    const child = roomChild(server, { agentId, name });
    const parent: Content = { via: [server], canonical: true };
    await bot.act((client) => client.sendState(spaceId, "m.space.child", roomId, child, signal), signal);
    await sessions.as(userId).sendState(roomId, "m.space.parent", spaceId, parent, signal);
  };
}

export function invitePeople(sessions: Sessions, { people }: RoomOptions): AgentEffects["invitePeople"] {
  return async ({ userId, roomId }, { signal }) => inviteNewcomers(sessions.as(userId), roomId, people, signal);
}
