/** How many runs a random test takes: `RUNTIME_RUNS` multiplies the default, which fits into the quick suite. */
export function runs(standard: number): number {
  return Math.ceil(standard * Number(process.env["RUNTIME_RUNS"] ?? 1));
}
