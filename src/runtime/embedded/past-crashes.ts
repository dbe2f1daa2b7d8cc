import type { Cancel, Clock } from "../clock.ts";
import type { RestartPolicy } from "../crash.ts";
import type { CrashCount } from "../host.ts";
import { Backoff } from "../supervision/backoff.ts";
import { SlidingWindow } from "../supervision/sliding-window.ts";

/** How often an actor has crashed of late, and what follows from that. */
export class PastCrashes {
  readonly #clock: Clock;
  readonly #policy: RestartPolicy;
  readonly #onOld: () => void;
  readonly #times: SlidingWindow;
  #backoff: Backoff;
  #cancel: Cancel = () => undefined;

  /** `onOld` hears when the last one counts no more. */
  constructor(clock: Clock, policy: RestartPolicy, onOld: () => void) {
    this.#clock = clock;
    this.#policy = policy;
    this.#onOld = onOld;
    this.#times = new SlidingWindow(policy.period);
    this.#backoff = new Backoff(policy, clock.elapsed());
  }

  get count(): CrashCount {
    const { intensity, period } = this.#policy;
    return { recent: this.#times.count(this.#clock.elapsed()), intensity, period };
  }

  /** An incarnation has begun. */
  begun(): void {
    this.#backoff.begun(this.#clock.elapsed());
  }

  /** Notes one. Gives the wait before the next incarnation in ms, `undefined` when there have been too many. */
  add(text: string): number | undefined {
    const elapsed = this.#clock.elapsed();
    const isTooMuch = this.#times.add(elapsed) > this.#policy.intensity;
    const wait = this.#backoff.failed(elapsed, text);
    this.stop();
    this.#cancel = this.#clock.schedule(this.#policy.period, this.#onOld);
    return isTooMuch ? undefined : wait;
  }

  /** As if there had never been one. */
  forget(): void {
    this.#times.clear();
    this.stop();
    this.#backoff = new Backoff(this.#policy, this.#clock.elapsed());
  }

  /** `onOld` hears nothing any more. */
  stop(): void {
    this.#cancel();
  }
}
