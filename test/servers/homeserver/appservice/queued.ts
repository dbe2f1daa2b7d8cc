import { createHash } from "node:crypto";
import type { Homeserver } from "../homeserver.ts";
import { shown } from "../shown.ts";
import type { PlacedInRoom } from "../state.ts";
import { concerns, type Pusher, push } from "./pusher.ts";
import type { Appservice } from "./registration.ts";

/** The longest wait is 2 to the power of that, s. */
const longestBackoff = 6;

/**
 * Pushes as Dendrite and Tuwunel do: what the application service has not taken yet stands in a queue that outlives the
 * process. It is tried again at growing intervals (Dendrite) or with the next event (Tuwunel).
 */
export class QueuedPushes implements Pusher {
  readonly #homeserver: Homeserver;
  readonly #appservice: Appservice;
  readonly #id: string;
  #isSending = false;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #sent = 0;

  constructor(homeserver: Homeserver, appservice: Appservice) {
    this.#homeserver = homeserver;
    this.#appservice = appservice;
    this.#id = appservice.registration.id;
    this.#forgetTheOldest();
  }

  look(): void {
    // It waits, and nothing new ends that.
    if (this.#timer !== undefined) return;
    void this.#drain();
  }

  get isRetrying(): boolean {
    return this.#isSending && this.#failures > 0;
  }

  pinged(): void {
    if (this.#homeserver.appserviceOddities.ping !== "ends the wait") return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#drain();
  }

  /** The first of what it has not taken. */
  #waiting(most: number): readonly PlacedInRoom[] {
    const { state } = this.#homeserver;
    const found: PlacedInRoom[] = [];
    for (let at = state.pushesTo(this.#id).handled + 1; found.length < most; at++) {
      const one = state.placedAt(at);
      if (one === undefined) break;
      if (concerns(this.#homeserver, this.#appservice, one)) found.push(one);
    }
    return found;
  }

  #forgetTheOldest(): void {
    const { mostKeptOverRestart } = this.#homeserver.appserviceOddities;
    const waiting = this.#waiting(Number.POSITIVE_INFINITY);
    const last = waiting[waiting.length - mostKeptOverRestart - 1];
    if (last !== undefined) this.#isTaken(last.placed.at);
  }

  async #drain(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    const { mostEventsInTransaction, retries } = this.#homeserver.appserviceOddities;
    for (;;) {
      const upTo = this.#homeserver.state.now.events;
      const ones = this.#waiting(mostEventsInTransaction);
      const last = ones.at(-1);
      if (last === undefined) {
        if (upTo > this.#homeserver.state.pushesTo(this.#id).handled) this.#isTaken(upTo);
        break;
      }
      const events = ones.map(({ room, placed }) => shown(this.#homeserver, room, placed));
      if (!(await push(this.#homeserver, this.#appservice, this.#idOf(ones), events))) {
        this.#failures += 1;
        if (retries === "by itself") this.#retryLater();
        // Nothing that happened while this was tried counts as the next event.
        break;
      }
      this.#failures = 0;
      this.#isTaken(last.placed.at);
      this.#sent += 1;
    }
    this.#isSending = false;
  }

  #idOf(ones: readonly PlacedInRoom[]): string {
    if (this.#homeserver.appserviceOddities.countsAnew) return `${this.#sent + 1}`;
    const ids = ones.map(({ placed }) => placed.event.event_id).join();
    return createHash("sha256").update(ids).digest("base64url");
  }

  #retryLater(): void {
    const wait = 2 ** Math.min(longestBackoff, this.#failures) * 1_000;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#drain();
    }, wait);
  }

  #isTaken(at: number): void {
    this.#homeserver.state.commit({ what: "pushes handled", service: this.#id, at });
  }
}
