import type { CrashReport, DeadLetterEvent } from "../crash.ts";
import { keys } from "./keys.ts";
import type { DeadLetterRow, InboxRow, Item } from "./rows.ts";
import { del, put, type Write } from "./store.ts";

/** What becomes of an item that has just crashed its actor. */
export interface CrashedItem {
  /** Set when it became a dead letter: the row's key and value. */
  readonly letter?: readonly [key: string, row: DeadLetterRow];
  /** What the next incarnation takes first: the item again, or the notice in its place. Missing when that crashed, too. */
  readonly next?: Item;
  readonly writes: readonly Write[];
}

/** After `crashesPerEvent` crashes the item becomes a dead letter, and the actor is told with a `deadLetter` event. */
export function crashedItem(
  { key, ...row }: Item,
  { id: crash, actor, at }: CrashReport,
  crashesPerEvent: number,
  sequence: () => number,
): CrashedItem {
  const { stimulus, id, crashes } = row;
  if (crashes + 1 < crashesPerEvent) {
    const again: InboxRow = { ...row, crashes: crashes + 1 };
    // Results and timers need no row: what brings them is in the store.
    if (stimulus.kind !== "event") return { next: again, writes: [] };
    const itsKey = key ?? keys.inbox(actor, sequence());
    return { next: { ...again, key: itsKey }, writes: [put(itsKey, again)] };
  }
  const letter = [keys.deadLetter(actor, sequence()), { ...row, at, crash }] as const;
  if (stimulus.kind !== "event" || isNotice(row))
    return { letter, writes: [put(...letter), ...(key === undefined ? [] : [del(key)])] };
  const event: DeadLetterEvent = { type: "deadLetter", letter: stimulus.event, crash };
  const notice: InboxRow = { stimulus: { kind: "event", event }, cause: crash, crashes: 0 };
  // In the event's own row, so that it keeps its place in the queue.
  const itsKey = key ?? keys.inbox(actor, sequence());
  const seen = id === undefined ? [] : [put(keys.seen(actor, id), at)];
  return { letter, next: { ...notice, key: itsKey }, writes: [put(...letter), ...seen, put(itsKey, notice)] };
}

/** Whether it tells the actor that something was given up. */
export function isNotice({ stimulus }: InboxRow): boolean {
  return stimulus.kind === "event" && stimulus.event.type === "deadLetter";
}
