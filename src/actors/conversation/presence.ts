import type { MatrixClient } from "../../matrix/port.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";

/** How long the homeserver shows "is typing" without hearing of it again, ms. */
const typingTimeout = 30_000;
const typingRefresh = 20_000;

/** Shows in the room that a question was read and is being worked on. Best effort: what fails here is left alone. */
export class Presence {
  readonly #client: MatrixClient;
  readonly #roomId: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #cancelRefresh: Cancel = () => undefined;

  constructor(client: MatrixClient, roomId: string, clock: Clock, signal: AbortSignal) {
    this.#client = client;
    this.#roomId = roomId;
    this.#clock = clock;
    this.#signal = signal;
  }

  begin(readUpTo: string): void {
    this.#client.receipt(this.#roomId, readUpTo, this.#signal).catch(leave);
    this.#type();
  }

  end(): void {
    this.#cancelRefresh();
    if (!this.#signal.aborted) this.#client.typing(this.#roomId, false, 0, this.#signal).catch(leave);
  }

  #type(): void {
    this.#client.typing(this.#roomId, true, typingTimeout, this.#signal).catch(leave);
    this.#cancelRefresh = this.#clock.schedule(typingRefresh, () => this.#type());
  }
}

function leave(): void {}
