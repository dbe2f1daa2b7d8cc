import { agentLocalpart } from "../../machines/addresses.ts";
import type { agentMachine } from "../../machines/agent.ts";
import type { Content } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { roomMark, roomMarker, roomOwnerOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";

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

/** The agent's alias names a room that is not ours: taking it over would hand its owner the agent's conversations. */
export class SquattedAlias extends Error {
  override readonly name = "SquattedAlias";
  readonly kind = "squatted";
  readonly remedy: string;

  constructor(alias: string, options?: ErrorOptions) {
    super(`${alias} names a room that is not this agent's`, options);
    this.remedy = `find out who owns ${alias}, and delete the alias if nobody needs it`;
  }
}

/** Finds the agent's room by its alias. A room that cannot be read or is not marked as ours is refused, not used. */
export function resolveRoom(sessions: Sessions, { server }: RoomOptions): AgentEffects["resolveRoom"] {
  return async ({ userId, agentId }, { signal }) => {
    const client = sessions.as(userId);
    const alias = `#${agentLocalpart(agentId)}:${server}`;
    const roomId = await client.resolveAlias(alias, signal);
    if (roomId === undefined) return { roomId: null };
    const mark = await client.state(roomId, roomMarker, "", signal).catch((error: unknown) => {
      if (Reflect.get(Object(error), "kind") === "forbidden") throw new SquattedAlias(alias, { cause: error });
      throw error;
    });
    if (roomOwnerOf(mark) !== agentId) throw new SquattedAlias(alias);
    return { roomId };
  };
}

/** Creates the room in one request, by its alias: when that exists by now, the next resolving finds it. */
export function createRoom(sessions: Sessions, { server, nameTemplate }: RoomOptions): AgentEffects["createRoom"] {
  return async ({ userId, agentId, name, spaceId }, { signal }) => {
    const roomId = await sessions.as(userId).createRoom(
      {
        aliasLocalpart: agentLocalpart(agentId),
        name: nameTemplate.replaceAll("{agent}", name),
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
  return async ({ userId, roomId, spaceId }, { signal }) => {
    const child: Content = { via: [server], suggested: true };
    const parent: Content = { via: [server], canonical: true };
    await sessions.as(botUserId).sendState(spaceId, "m.space.child", roomId, child, signal);
    await sessions.as(userId).sendState(roomId, "m.space.parent", spaceId, parent, signal);
  };
}

export function invitePeople(sessions: Sessions, { people }: RoomOptions): AgentEffects["invitePeople"] {
  return ({ userId, roomId }, { signal }) => inviteNewcomers(sessions, userId, roomId, people, signal);
}

/** Invites those who were never invited. Who left or was banned stays away until somebody else invites them. */
export async function inviteNewcomers(
  sessions: Sessions,
  inviter: string,
  roomId: string,
  people: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const client = sessions.as(inviter);
  for (const person of people) {
    const membership = await client.state(roomId, "m.room.member", person, signal);
    if (membership === undefined) await client.invite(roomId, person, signal);
  }
}
