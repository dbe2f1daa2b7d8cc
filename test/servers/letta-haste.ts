/**
 * How many times as fast Letta's time of day runs; its timers are not touched. It keeps the receipt of a turn that it
 * has handed to a client that is dead now to itself for 30 s, and that would be most of a test's time.
 */
const lettaFactor = 30;

/** How long its clients wait for such a receipt, ms: longer than Letta keeps it, also on a machine that is busy. */
export const receiptWithinMs = 4_000;

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
