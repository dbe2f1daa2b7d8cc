import type { ActorId } from "../actor-id.ts";
import { reportedLines } from "../crash.ts";
import { type JournalLine, parseJournalLine } from "../journal.ts";
import { keys } from "./keys.ts";
import type { Store } from "./store.ts";

/** An actor's newest journal lines, oldest first. Those whose step is still being committed are not in the store yet. */
export function lastLines(store: Store, id: ActorId, revision: number, fresh: readonly JournalLine[]): JournalLine[] {
  const oldest = Math.max(1, revision - reportedLines + 1);
  const lines = fresh.filter((line) => line.revision >= oldest);
  for (let wanted = revision - fresh.length; wanted >= oldest; wanted--) {
    const line = readable(store, keys.journal(id, wanted));
    if (line !== undefined) lines.unshift(line);
  }
  return lines;
}

/** A report is made also when a line of it is damaged. */
function readable(store: Store, key: string): JournalLine | undefined {
  try {
    const text = store.get(key);
    return text === undefined ? undefined : parseJournalLine(text);
  } catch {
    return undefined;
  }
}
