import type { Tell } from "../runtime/step.ts";

const day = 24 * 3_600_000;

/** Something that is told again and again until it is seen to. */
export interface Reminder extends Pick<Tell, "to" | "event"> {
  /** What it says, where its event's type does not tell. */
  readonly what?: string;
  /** Of the record that it is about. */
  readonly revision?: number | undefined;
}

/**
 * Named by the record that it is about: an actor in quarantine, which takes nothing, is not told at each look, but once a
 * day, as what was told may have become a dead letter.
 */
export function remind({ to, event, what = event.type, revision = 0 }: Reminder, now: number): Tell {
  return { to, event, id: `${what} ${revision} ${Math.floor(now / day)}` };
}
