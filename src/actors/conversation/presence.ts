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
  /** One after the other: the last one said is then the one that stays. */
  #said: Promise<void> = Promise.resolve();

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
    if (!this.#signal.aborted) this.#say(false, 0);
  }

  #type(): void {
    this.#say(true, typingTimeout);
    this.#cancelRefresh = this.#clock.schedule(typingRefresh, () => this.#type());
  }

  #say(typing: boolean, timeoutMs: number): void {
    this.#said = this.#said.then(() => this.#client.typing(this.#roomId, typing, timeoutMs, this.#signal)).catch(leave);
  }
}

function leave(): void {}
