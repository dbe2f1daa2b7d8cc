import type { Homeserver } from "./homeserver.ts";
import type { Placed, Room } from "./room.ts";

/** An event as clients get it. */
export function shown(homeserver: Homeserver, room: Room, { event, redaction }: Placed): object {
  const edit = homeserver.oddities.bundlesEdits ? room.newestEditOf(event.event_id) : undefined;
  const unsigned = {
    age: Date.now() - event.origin_server_ts,
    ...(redaction !== undefined && { redacted_because: redaction }),
    ...(edit !== undefined && { "m.relations": { "m.replace": edit } }),
  };
  return { ...event, unsigned };
}
