import type { ActorId } from "../actor-id.ts";
import { actorOfKey, type Range, ranges, sequenceOfKey, tailOfKey } from "./keys.ts";
import { type EffectRow, effectRow, type Item, inboxRow, timerRow } from "./rows.ts";
import { RowDamaged } from "./store/seal.ts";
import { damaged } from "./store/unavailable.ts";
import type { Store } from "./store.ts";

interface PendingTimer {
  readonly actor: ActorId;
  readonly timer: string;
  readonly due: number;
  readonly generation: number;
}

/** What an earlier process left undone. */
export interface Undone {
  readonly effects: ReadonlyMap<ActorId, ReadonlyMap<string, EffectRow>>;
  readonly inbox: ReadonlyMap<ActorId, readonly Item[]>;
  /** As they come due. */
  readonly timers: readonly PendingTimer[];
  /** The largest number of the store's own count in a key. */
  readonly sequence: number;
}

/**
 * Reads all rows that ask for something. One that is whole, and that this version cannot read, troubles its actor only: it
 * is reported, and stays. One that is not what was written there may be a message that was acknowledged: then nothing
 * starts. Throws {@link StoreUnavailable}.
 */
export async function readUndone(
  store: Store,
  onUnreadable: (actor: ActorId, error: unknown) => void,
): Promise<Undone> {
  const effects = new Map<ActorId, Map<string, EffectRow>>();
  const inbox = new Map<ActorId, Item[]>();
  const timers: PendingTimer[] = [];
  let sequence = 0;
  const each = async (range: Range, read: (actor: ActorId, key: string, value: unknown) => void): Promise<void> => {
    for await (const [key, value] of wholeRows(store, range)) {
      const actor = actorOfKey(key);
      // Also of what cannot be read: nothing else is to be written in its place.
      sequence = Math.max(sequence, sequenceOfKey(key));
      try {
        read(actor, key, JSON.parse(value));
      } catch (error) {
        onUnreadable(actor, error);
      }
    }
  };
  await each(ranges.effect, (actor, key, value) => {
    entry(effects, actor, () => new Map()).set(key, effectRow.parse(value));
  });
  await each(ranges.inbox, (actor, key, value) => {
    entry(inbox, actor, () => []).push({ ...inboxRow.parse(value), key });
  });
  await each(ranges.deadLetter, () => undefined);
  await each(ranges.timer, (actor, key, value) => {
    timers.push({ actor, timer: tailOfKey(key), ...timerRow.parse(value) });
  });
  timers.sort((a, b) => a.due - b.due || a.generation - b.generation);
  return { effects, inbox, timers, sequence };
}

async function* wholeRows(store: Store, range: Range): AsyncIterable<[string, string]> {
  try {
    yield* store.scan(range);
  } catch (error) {
    throw error instanceof RowDamaged ? damaged(error.message, error) : error;
  }
}

function entry<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
