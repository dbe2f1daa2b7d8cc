import { z } from "zod";
import type { RoomInput } from "../../machines/agent/context.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import { type Content, type MatrixClient, MatrixError } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { SquattedAlias } from "../ownership.ts";
import { powerLevel, powerOf } from "../power-levels.ts";
import { holds, RoomState } from "../room-state.ts";
import type { Sessions } from "../sessions.ts";
import { aliasOf, furniture, levelsOf, type Piece } from "./contents.ts";
import type { RoomOptions } from "./room.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** Why one piece cannot be put right while the next one can. */
const own: ReadonlySet<string> = new Set(["forbidden", "refused", "missing", "taken", "too-large", "squatted"]);

/**
 * Compares the room with what it would be if it were made now, and writes what differs. What cannot be written keeps
 * nothing else from being put right: the first such failure is thrown after all has been tried.
 */
export function furnishRoom(sessions: Sessions, options: RoomOptions): AgentEffects["furnishRoom"] {
  return async ({ roomId, ...room }, { signal }) => {
    const client = sessions.as(room.userId);
    const state = await RoomState.read(client, roomId, signal);
    const failures: unknown[] = [];
    const attempt = async (work: Promise<unknown>): Promise<void> => {
      const failure = await work.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (!isOfOnePiece(failure)) throw failure;
      failures.push(failure);
    };
    await attempt(ensureAlias(client, aliasOf(room.agentId, options), roomId, signal));
    const missing = missingIn(state, furniture(room, options));
    for (const { type, stateKey, content } of [...missing, ...outdatedIn(state, room)])
      await attempt(client.sendState(roomId, type, stateKey, content, signal));
    const levels = mendedLevels(state, room.userId, options);
    if (levels !== undefined) await attempt(client.sendState(roomId, "m.room.power_levels", "", levels, signal));
    if (failures.length > 0) throw failures[0];
  };
}

function isOfOnePiece(error: unknown): boolean {
  return error instanceof SquattedAlias || (error instanceof MatrixError && own.has(error.kind));
}

function missingIn(state: RoomState, wanted: readonly Piece[]): Piece[] {
  return wanted.filter(({ type, stateKey, content }) => !holds(state.content(type, stateKey), content));
}

/** The picture that the agent had put there, when it is to have none any more. */
function outdatedIn(state: RoomState, { userId, avatarUrl }: RoomInput): Piece[] {
  const avatar = state.event("m.room.avatar");
  const isOurs = avatar?.sender === userId && "url" in avatar.content;
  return avatarUrl === null && isOurs ? [{ type: "m.room.avatar", stateKey: "", content: {} }] : [];
}

/** An alias that somebody took away is given again. One that names another room by now is not ours to move. */
async function ensureAlias(client: MatrixClient, alias: string, roomId: string, signal: AbortSignal): Promise<void> {
  const named = await client.resolveAlias(alias, signal);
  if (named === undefined) await client.createAlias(alias, roomId, signal);
  else if (named !== roomId) throw new SquattedAlias(alias);
}

const defaults = z.object({ users_default: powerLevel, events_default: powerLevel });

/**
 * The levels with what was changed from outside put right: people may speak, nobody has power by merely being there, and
 * the agent and those with a level of their own have it. Power that somebody was given by hand is left to them.
 */
function mendedLevels(state: RoomState, userId: string, options: RoomOptions): Content | undefined {
  const there = state.content("m.room.power_levels");
  if (there === undefined) return undefined;
  const users = powerOf(there["users"]);
  const levels = defaults.parse(there);
  const wanted = Object.entries({ ...levelsOf(options), [userId]: 100 }).filter(
    ([user, own]) => !state.isAbovePower(user) && !(own > 0 ? (users[user] ?? 0) >= own : users[user] === own),
  );
  const isOpen = (levels.users_default ?? 0) === 0 && (levels.events_default ?? 0) === 0;
  if (isOpen && wanted.length === 0) return undefined;
  const others: Content = z.custom<Content>().parse(there);
  return { ...others, users_default: 0, events_default: 0, users: { ...users, ...Object.fromEntries(wanted) } };
}
