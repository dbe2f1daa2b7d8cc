/**
 * Rooms whose past the homeserver could not tell when the agent looked at it. Until it can, nothing else that is said there
 * is handed on: the newest question that was answered is taken for the end of what is to be answered.
 */

/** A room of which the agent has not heard all. */
export interface Owed {
  readonly roomId: string;
  /** The cursor since which; left out where it is since the newest answered question. */
  readonly to?: string;
  /** How often its past could not be read, in a row. */
  readonly tries: number;
  /** Set when something was said there since the last reading began: that may not have seen it. */
  readonly again?: true;
}

/** A room of which this poll or look hands nothing on. */
export type Unheard = Pick<Owed, "roomId" | "to">;

interface Owing {
  readonly owed?: readonly Owed[] | undefined;
}

/** What is in debt already stays so since when it was, and whatever was read of it meanwhile was read too early. */
export function owe({ owed = [] }: Owing, unheard: readonly Unheard[] = []): Owing {
  const rooms = new Set(unheard.map(({ roomId }) => roomId));
  const known = new Set(owed.map(({ roomId }) => roomId));
  const others = unheard.filter(({ roomId }) => !known.has(roomId)).map((one) => ({ ...one, tries: 0 }));
  return kept([...owed.map((one) => (rooms.has(one.roomId) ? { ...one, again: true as const } : one)), ...others]);
}

/** Another room is read first the next time. Only what tells of the room itself counts. */
export function putOff({ owed = [] }: Owing, isRoomsOwn: boolean): Owing {
  const [first, ...others] = owed;
  return first === undefined ? {} : kept([...others, { ...first, tries: first.tries + (isRoomsOwn ? 1 : 0) }]);
}

/** From here on whatever is said in the first of the rooms may come too late for its reading. */
export function beginReading({ owed = [] }: Owing): Owing {
  const [first, ...others] = owed;
  if (first === undefined) return {};
  const { again: _, ...fresh } = first;
  return kept([fresh, ...others]);
}

export function settle({ owed = [] }: Owing, { roomId }: Pick<Owed, "roomId">): Owing {
  return kept(owed.flatMap((one) => (one.roomId !== roomId ? one : one.again === true ? { ...one, tries: 0 } : [])));
}

/** Without what was said where something older is still to be heard. */
export function withoutOwed<T extends { readonly roomId: string }>(
  { owed = [] }: Owing,
  heard: readonly T[],
): readonly T[] {
  return heard.filter((one) => !owed.some(({ roomId }) => roomId === one.roomId));
}

function kept(owed: readonly Owed[]): Owing {
  return { owed: owed.length === 0 ? undefined : owed };
}
