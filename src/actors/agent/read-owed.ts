import type { ReadInput } from "../../machines/agent/context.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Heard } from "../../machines/question.ts";
import type { JoinedRoom, MatrixClient } from "../../matrix/port.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChildEffects, EffectContext } from "../../runtime/effect.ts";
import { CursorRefused, syncFrom } from "../cursor.ts";
import { adoptionMarker, adoptionOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";
import type { CommandPolicy } from "./command.ts";
import { syncLeanly } from "./lean-sync.ts";
import { filterOf, heardIn, Look, type LookOptions } from "./look.ts";
import { isUnreadable, newIn, watchedTypes } from "./read-back.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** In a row, before a room's past is taken for cut: with the waits between them more than an hour. */
const mostTries = 70;

/** The homeserver answers, and cannot tell what was said in one room. */
export class RoomUnreadable extends Error {
  override readonly name = "RoomUnreadable";
  readonly kind = "unreadable";
  readonly remedy =
    "Look into the homeserver's log. It is tried again; after an hour or so the agent says in the room that it has not read all.";

  constructor(roomId: string, options?: ErrorOptions) {
    super(`the homeserver cannot tell what was said in ${roomId}`, options);
  }
}

/** Hears what was said in one room whose past could not be read when the agent looked. */
export function readOwed(
  sessions: Sessions,
  clock: Clock,
  commands: CommandPolicy,
  options: LookOptions,
): AgentEffects["readOwed"] {
  return async (input, context) => {
    const client = sessions.as(input.userId).at("conversation");
    const { roomId, to } = input.room;
    const since = to === undefined ? undefined : await heardSince(client, { ...input, since: to }, commands, context);
    if (since !== undefined) return { roomId, heard: since };
    const look = new Look(context.self, input, clock, commands, options);
    const request = { timeoutMs: 0, filter: look.filter() };
    const { joined } = await syncLeanly(request, (lean) => client.sync(lean, context.signal));
    const adopted = await client.state(input.roomId, adoptionMarker, "", context.signal);
    const heard = await readable(input, joined, (room) =>
      look.saidIn(client, room, adoptionOf(adopted)?.at ?? 0, context.signal),
    );
    return { roomId, heard };
  };
}

/** What was said since a cursor; `undefined` where the homeserver does not know that one any more. */
async function heardSince(
  client: MatrixClient,
  input: ReadInput & { readonly since: string },
  { people }: CommandPolicy,
  { signal, beat }: Pick<EffectContext<never>, "signal" | "beat">,
): Promise<readonly Heard[] | undefined> {
  const { since, userId } = input;
  try {
    const request = { since, timeoutMs: 0, filter: filterOf(watchedTypes, [userId]) };
    const { joined } = await syncLeanly(request, (lean) => syncFrom(client, lean, signal));
    return await readable(input, joined, async (room) => {
      const { events, cut } = await newIn(client, room, { since, beat }, signal);
      return heardIn(events, cut, since, room.roomId, { ...input, commanders: people });
    });
  } catch (error) {
    if (!(error instanceof CursorRefused)) throw error;
    return undefined;
  }
}

/** In a room that the agent is not in any more nothing is left to be heard. */
async function readable(
  { room: { roomId, tries } }: ReadInput,
  joined: readonly JoinedRoom[],
  read: (room: JoinedRoom) => Promise<readonly Heard[]>,
): Promise<readonly Heard[]> {
  const room = joined.find((one) => one.roomId === roomId);
  if (room === undefined) return [];
  try {
    return await read(room);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    if (tries < mostTries) throw new RoomUnreadable(roomId, { cause: error });
    const { prevBatch: _unreadable, ...rest } = room;
    return read(rest);
  }
}
