import type { DatedEvent, Sent } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { arrivalOf } from "./arrival.ts";
import { Moment } from "./moment.ts";

export interface EchoOptions {
  readonly clock: Clock;
  /** Has the homeserver reach us, soon. */
  readonly ask: () => void;
  /** Whether it did when it was last asked, or cannot be asked. */
  readonly isReached: () => boolean;
  /** What the homeserver has of something that was sent. */
  readonly look: (sent: Sent, signal: AbortSignal) => Promise<DatedEvent | undefined>;
  /** Nothing is pushed, though the homeserver reaches us: not before {@link Echo.heard}. */
  readonly onLost: () => void;
}

/** What is sent is pushed after so long, and once the homeserver was asked to reach us once more so long after that, ms. */
const patience = 60_000;
/** Pushed ids that are remembered: what comes back before its sender knows that it was sent. */
const mostRemembered = 1_000;
/** How much the homeserver's clock may differ from ours, where it does not tell how old an event is, ms. */
const clockDifference = 30_000;

/**
 * What our users say is pushed to us, too. If it is not, and nothing else, though the homeserver reaches us, then something
 * between the two takes what is small, as a ping is, and not what is to be pushed: the homeserver tries that again for ever.
 */
export class Echo {
  readonly #options: EchoOptions;
  readonly #begun: number;
  readonly #news: Moment;
  readonly #pushed = new Set<string>();
  /** The first that has not come back. */
  #missing: (Sent & { readonly at: number }) | undefined;

  constructor(options: EchoOptions) {
    this.#options = options;
    this.#begun = options.clock.now();
    this.#news = new Moment(options.clock);
  }

  sent(sent: Sent): void {
    if (this.#missing !== undefined || this.#pushed.has(sent.eventId)) return;
    this.#missing = { ...sent, at: this.#options.clock.elapsed() };
    this.#news.happens();
  }

  /** These were pushed, or something was of which no ids are known. */
  heard(eventIds: readonly string[] = []): void {
    this.#missing = undefined;
    for (const eventId of eventIds) this.#pushed.add(eventId);
    for (const eventId of this.#pushed) {
      if (this.#pushed.size <= mostRemembered) break;
      this.#pushed.delete(eventId);
    }
    this.#news.happens();
  }

  /** Runs until it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onLost } = this.#options;
    while (true) {
      const missing = this.#missing;
      if (missing === undefined) {
        await this.#news.next(signal);
        continue;
      }
      const left = missing.at + patience - clock.elapsed();
      if (left > 0) {
        await this.#news.next(signal, left);
        continue;
      }
      if (await this.#isLost(missing, signal)) {
        onLost();
        while (this.#missing === missing) await this.#news.next(signal);
      } else if (this.#missing === missing) this.#missing = undefined;
    }
  }

  async #isLost(missing: Sent, signal: AbortSignal): Promise<boolean> {
    const { clock, ask, isReached, look } = this.#options;
    // Which ends the homeserver's waiting, if it waits after it could not push.
    ask();
    await sleep(clock, patience, signal);
    if (this.#missing !== missing || !isReached()) return false;
    try {
      return this.#isNew(await look(missing, signal)) && this.#missing === missing;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  /** What an earlier process has sent, and this one under the same name, was pushed to that one. */
  #isNew(found: DatedEvent | undefined): boolean {
    if (found === undefined) return false;
    const difference = found.age === undefined ? clockDifference : 0;
    return arrivalOf(found, this.#options.clock.now()) > this.#begun + difference;
  }
}
