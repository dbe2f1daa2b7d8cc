/** One line of the report: a figure, its baseline in the same run, and their ratio. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly baseline: { readonly name: string; readonly value: number };
  /** True when a larger value is better. */
  readonly moreIsBetter: boolean;
}

export function printFigures(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, unit, value, baseline, moreIsBetter }) => [
    name,
    `${rounded(value)} ${unit}`,
    `${baseline.name}: ${rounded(baseline.value)}`,
    `${rounded(moreIsBetter ? baseline.value / value : value / baseline.value)}x the baseline's cost`,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
