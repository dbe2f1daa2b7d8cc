import type { Clock } from "../../src/runtime/clock.ts";

/** Time that runs faster from `epoch` (ms since 1970) on, the same in every process and over all restarts. */

/** How many times as fast the product's time runs: backoffs of a minute take a few seconds. */
export const productHaste = 6;

export function hasteOf(clock: Clock, epoch: number, factor: number): Clock {
  return {
    now: () => epoch + (clock.now() - epoch) * factor,
    elapsed: () => clock.elapsed() * factor,
    schedule: (delay, run) => clock.schedule(delay / factor, run),
  };
}
