import { z } from "zod";
import type { agentMachine } from "../../machines/agent/index.ts";
import { type Content, type MatrixClient, MatrixError } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { SquattedAlias } from "../ownership.ts";
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
    for (const { type, stateKey, content } of missingIn(state, furniture(room, options)))
      await attempt(client.sendState(roomId, type, stateKey, content, signal));
    const levels = mendedLevels(state, options);
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

/** An alias that somebody took away is given again. One that names another room by now is not ours to move. */
async function ensureAlias(client: MatrixClient, alias: string, roomId: string, signal: AbortSignal): Promise<void> {
  const named = await client.resolveAlias(alias, signal);
  if (named === undefined) await client.createAlias(alias, roomId, signal);
  else if (named !== roomId) throw new SquattedAlias(alias);
}

const level = z.number().catch(0);
const powerLevels = z.looseObject({
  users_default: level.optional(),
  events_default: level.optional(),
  users: z.record(z.string(), level).catch({}),
});

/**
 * The levels with what was changed from outside put right: people may speak, nobody has power by merely being there, and
 * those with a level of their own have it. Power that somebody was given by hand is left to them.
 */
function mendedLevels(state: RoomState, options: RoomOptions): Content | undefined {
  const there = state.content("m.room.power_levels");
  if (there === undefined) return undefined;
  const { users, ...levels } = powerLevels.parse(there);
  // Newer room versions refuse a level for who has all power anyhow.
  const { [state.creator ?? ""]: _creator, ...wanted } = levelsOf(options);
  const isRight =
    (levels.users_default ?? 0) === 0 &&
    (levels.events_default ?? 0) === 0 &&
    Object.entries(wanted).every(([user, own]) => (users[user] ?? 0) === own || (own > 0 && (users[user] ?? 0) > own));
  if (isRight) return undefined;
  const others: Content = z.custom<Content>().parse(there);
  return { ...others, users_default: 0, events_default: 0, users: { ...users, ...wanted } };
}
