type Result = Record<string, unknown>;

/** A text of so many characters is never cut. */
const shortText = 1_000;
/** Of what would need even less of its lists, nothing more is left out. */
const leastShare = 0.0001;

/**
 * Of the same shape, in at most so many characters of JSON: long lists end earlier, and long texts. Both keep the same share,
 * so that no part of the result takes the place of another.
 */
export function shortened(whole: Result, most: number): Result {
  let less = whole;
  for (let share = most / sizeOf(whole); share > leastShare && sizeOf(less) > most; share /= 2)
    less = ofObject(whole, share);
  return less;
}

function sizeOf(value: Result): number {
  return JSON.stringify(value).length;
}

function ofObject(value: object, share: number): Result {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, partOf(one, share)]));
}

function partOf(value: unknown, share: number): unknown {
  if (typeof value === "string") return startOf(value, Math.max(shortText, value.length * share));
  if (Array.isArray(value)) return value.slice(0, Math.ceil(value.length * share)).map((one) => partOf(one, share));
  return typeof value === "object" && value !== null ? ofObject(value, share) : value;
}

/** Half of a character at the end would be no text that everybody can read. */
export function startOf(text: string, most: number): string {
  return text.length > most ? text.slice(0, most).toWellFormed() : text;
}
