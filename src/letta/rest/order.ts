import type { HistoryEntry } from "./frames.ts";

/**
 * A page of the newest entries, the oldest first. Asked for the newest first, the server gives them so in conversations
 * that were made, but the oldest first in an agent's own one; the parts of one message it never turns round.
 */
export function oldestFirst(page: readonly HistoryEntry[], isOwn: boolean): readonly HistoryEntry[] {
  const [first, last] = [dateOf(page.at(0)), dateOf(page.at(-1))];
  const isAscending = first === last || Number.isNaN(first - last) ? isOwn : first < last;
  if (isAscending) return page;
  const messages: HistoryEntry[][] = [];
  for (const entry of page) {
    if (messages.at(-1)?.[0]?.id === entry.id) messages.at(-1)?.push(entry);
    else messages.push([entry]);
  }
  return messages.reverse().flat();
}

function dateOf(entry: HistoryEntry | undefined): number {
  return Date.parse(entry?.date ?? "");
}
