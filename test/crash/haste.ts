import type { Clock } from "../../src/runtime/clock.ts";

/** Time that runs faster from `epoch` (ms since 1970) on, the same in every process and over all restarts. */

/** How many times as fast the product's time runs: backoffs of a minute take a few seconds. */
export const productHaste = 6;

/**
 * How many times as fast Letta's time of day runs; its timers are not touched. It keeps the receipt of a turn that it
 * has handed to a client that is dead now to itself for 30 s, and that many times would be most of a run.
 */
const lettaFactor = 15;

/** How long the product may wait for such a receipt, ms: longer than Letta keeps it, in Letta's faster time. */
export const receiptWithinMs = 6_000;

export function hasteOf(clock: Clock, epoch: number, factor: number): Clock {
  return {
    now: () => epoch + (clock.now() - epoch) * factor,
    schedule: (delay, run) => clock.schedule(delay / factor, run),
  };
}

/** Node's options for a Letta whose time of day runs faster. */
export function lettaHaste(epoch: number): string {
  const code = [
    "const RealDate = Date;",
    `const now = () => ${epoch} + (RealDate.now() - ${epoch}) * ${lettaFactor};`,
    "globalThis.Date = class Date extends RealDate {",
    "  constructor(...given) { super(...(given.length === 0 ? [now()] : given)); }",
    "  static now() { return now(); }",
    "};",
  ].join("\n");
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}
