import { stringWidth, wrapped } from "./text-layout.ts";

export interface TableLayout {
  /** Columns of the terminal; without them no cell is wrapped. */
  readonly width?: number | undefined;
  /** How the first row is shown, where it names the columns. */
  readonly heading?: ((text: string) => string) | undefined;
}

const gap = 2;
/** A column is not made narrower than this, however narrow the terminal. */
const narrowest = 8;

/** Lines up columns with two spaces between them. What a terminal has no room for goes on in the next line. */
export function table(rows: readonly (readonly string[])[], { width, heading }: TableLayout = {}): string {
  const widths = fitting(naturalWidths(rows), width);
  return rows
    .flatMap((row, index) => {
      const lines = linesOf(row, widths);
      return index === 0 && heading !== undefined ? lines.map(heading) : lines;
    })
    .map((line) => `${line}\n`)
    .join("");
}

function naturalWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, stringWidth(cell));
    });
  return widths;
}

/** Takes from the widest columns what is too much. */
function fitting(natural: readonly number[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, one) => sum + one + gap, -gap) - width;
  for (; excess > 0; excess--) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) break;
    widths[widths.lastIndexOf(widest)] = widest - 1;
  }
  return widths;
}

function linesOf(row: readonly string[], widths: readonly number[]): string[] {
  const cells = row.map((cell, column) => wrapped(cell, widths[column] ?? 0));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, column) => {
        const text = lines[line] ?? "";
        return text + " ".repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(text)));
      })
      .join(" ".repeat(gap))
      .trimEnd(),
  );
}
