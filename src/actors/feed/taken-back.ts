import type { PushedEvent } from "../../matrix/port.ts";

/**
 * What becomes of something that was said: whoever said it can take it back. Of anybody else nobody knows here whether they
 * may, and a homeserver may push what it does not obey: the room tells.
 */
export type Fate = "stays" | "gone" | "doubtful";

/** What a transaction takes back. */
export class TakenBack {
  readonly #redactions = new Map<string, PushedEvent[]>();

  constructor(events: readonly PushedEvent[]) {
    for (const event of events) {
      if (event.redacts === undefined) continue;
      this.#redactions.set(event.redacts, [...(this.#redactions.get(event.redacts) ?? []), event]);
    }
  }

  /** Of the events that may be meant. */
  get ids(): ReadonlySet<string> {
    return new Set(this.#redactions.keys());
  }

  fateOf(said: Pick<PushedEvent, "eventId" | "roomId" | "sender">): Fate {
    const redactions = (this.#redactions.get(said.eventId) ?? []).filter(({ roomId }) => roomId === said.roomId);
    if (redactions.length === 0) return "stays";
    return redactions.some(({ sender }) => sender === said.sender) ? "gone" : "doubtful";
  }
}
