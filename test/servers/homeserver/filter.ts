import { z } from "zod";
import type { StoredEvent } from "./entries.ts";
import { Fault } from "./fault.ts";

const names = z.array(z.string()).optional();
const eventFilter = z.object({
  types: names,
  not_types: names,
  senders: names,
  not_senders: names,
  limit: z.number().optional(),
});
const syncFilter = z.object({
  room: z
    .object({ timeline: eventFilter.default({}), state: eventFilter.default({}), ephemeral: eventFilter.default({}) })
    .prefault({}),
});

export type EventFilter = z.infer<typeof eventFilter>;
export type SyncFilter = z.infer<typeof syncFilter>;

export function readEventFilter(text: string | null): EventFilter {
  return read(eventFilter, text);
}

export function readSyncFilter(text: string | null): SyncFilter {
  return read(syncFilter, text);
}

/** Whether an event, or something that has a type only, passes. */
export function passes(
  filter: EventFilter,
  { type, sender }: Pick<StoredEvent, "type"> & { readonly sender?: string },
): boolean {
  const { types, not_types, senders, not_senders } = filter;
  return (
    (types === undefined || types.some((pattern) => isLike(type, pattern))) &&
    not_types?.some((pattern) => isLike(type, pattern)) !== true &&
    (senders === undefined || sender === undefined || senders.includes(sender)) &&
    (sender === undefined || not_senders?.includes(sender) !== true)
  );
}

function isLike(type: string, pattern: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

function read<T>(schema: z.ZodType<T>, text: string | null): T {
  try {
    return schema.parse(JSON.parse(text ?? "{}"));
  } catch {
    throw new Fault(400, "M_BAD_JSON", "Invalid filter JSON");
  }
}
