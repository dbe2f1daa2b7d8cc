import { agentLocalpart } from "../../machines/addresses.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { isRetired, roomMarker } from "../marker.ts";
import { assertOurs, HalfMadeRoom } from "../ownership.ts";
import type { Sessions } from "../sessions.ts";
import { aliasOf, levelsOf, signs, titleOf } from "./contents.ts";
import { ShutOut, stayIn } from "./whereabouts.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

export interface RoomOptions {
  readonly server: string;
  /** The user that owns the space. */
  readonly botUserId: string;
  /** User ids. */
  readonly people: readonly string[];
  /** User ids that get all power, and are invited again when they left. */
  readonly admins: readonly string[];
  /** User ids that may only read, and are invited again when they left. */
  readonly readers: readonly string[];
  /** `{agent}` stands for the agent's name. */
  readonly nameTemplate: string;
}

/** Longer than any homeserver that is making a room takes to add something to it, ms. */
const longestPause = 600_000;

/**
 * The room that is the agent's by our record, or else by its alias. A room that is not ours is refused, not used. There
 * is none only when the alias names none and nobody is left in the room of the record, or when the homeserver was killed
 * while it made the room: Synapse gives a room its alias first.
 */
export function resolveRoom(sessions: Sessions, options: RoomOptions, clock: Clock): AgentEffects["resolveRoom"] {
  /**
   * Rooms that are seen half made: of how many pieces, and since when, by the clock's even time, since the homeserver's own
   * clock may be another.
   */
  const halfMade = new Map<string, { readonly pieces: number; readonly since: number }>();
  const isGivenUp = (roomId: string, pieces: number): boolean => {
    const before = halfMade.get(roomId);
    const seen = before?.pieces === pieces ? before : { pieces, since: clock.elapsed() };
    halfMade.set(roomId, seen);
    return clock.elapsed() - seen.since > longestPause && halfMade.delete(roomId);
  };
  return async ({ userId, agentId, roomId: known }, { signal }) => {
    const client = sessions.as(userId);
    const stayed = known === null ? undefined : await stayIn(client, known, signal);
    if (stayed !== undefined) return { roomId: stayed };
    const alias = aliasOf(agentId, options);
    const found = await client.resolveAlias(alias, signal);
    if (found === undefined) return { roomId: null };
    try {
      await assertOurs(client, { alias, roomId: found, owner: agentId }, signal);
    } catch (error) {
      if (!(error instanceof HalfMadeRoom && isGivenUp(found, error.pieces))) throw error;
      await client.deleteAlias(alias, signal);
      await client.leave(found, signal);
      return { roomId: null };
    }
    halfMade.delete(found);
    if (isRetired(await client.state(found, roomMarker, "", signal))) {
      // The room of an earlier life, which could not give its alias free.
      await client.deleteAlias(alias, signal);
      return { roomId: null };
    }
    const entered = found === known ? undefined : await stayIn(client, found, signal);
    if (entered === undefined) throw new ShutOut(userId, found);
    return { roomId: entered };
  };
}

/** Creates the room in one request, by its alias: when that exists by now, the next resolving finds it. */
export function createRoom(sessions: Sessions, options: RoomOptions): AgentEffects["createRoom"] {
  return async ({ spaceId, ...room }, { signal }) => {
    const users = levelsOf(options);
    const parent = { via: [options.server], canonical: true };
    const roomId = await sessions.as(room.userId).createRoom(
      {
        aliasLocalpart: agentLocalpart(room.agentId),
        ...titleOf(room, options),
        initialState: [...signs(room, options), { type: "m.space.parent", stateKey: spaceId, content: parent }],
        // Whom the creation itself invites is not counted against how often one can be invited.
        ...(Object.keys(users).length > 0 && { powerLevels: { users }, invite: Object.keys(users) }),
      },
      signal,
    );
    return { roomId };
  };
}
