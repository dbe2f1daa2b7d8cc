import type { MatrixClient } from "../../matrix/port.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";

/** An answer that comes before this needs no "is typing", ms. */
const typingDelay = 250;
/** How long the homeserver shows "is typing" without hearing of it again, ms. */
const typingTimeout = 30_000;
const typingRefresh = 20_000;
/** How long one of these requests may take, ms. */
const requestTimeout = 10_000;

/**
 * Shows in the room that a question was read and is being worked on. Best effort: what fails here is left alone, and
 * nothing waits for it.
 */
export class Presence {
  readonly #client: MatrixClient;
  readonly #roomId: string;
  readonly #clock: Clock;
  #cancelNext: Cancel = () => undefined;
  /** One request after the other, so that the last word on typing is the last to arrive. */
  #typing: Promise<void> | undefined;

  constructor(client: MatrixClient, roomId: string, clock: Clock) {
    this.#client = client;
    this.#roomId = roomId;
    this.#clock = clock;
  }

  begin(readUpTo: string): void {
    this.#client.receipt(this.#roomId, readUpTo, AbortSignal.timeout(requestTimeout)).catch(leave);
    this.#cancelNext = this.#clock.schedule(typingDelay, () => this.#type());
  }

  end(): void {
    this.#cancelNext();
    if (this.#typing !== undefined) this.#say(false);
  }

  #type(): void {
    this.#say(true);
    this.#cancelNext = this.#clock.schedule(typingRefresh, () => this.#type());
  }

  #say(typing: boolean): void {
    const before = this.#typing ?? Promise.resolve();
    this.#typing = before
      .then(() => this.#client.typing(this.#roomId, typing, typingTimeout, AbortSignal.timeout(requestTimeout)))
      .catch(leave);
  }
}

function leave(): void {}
