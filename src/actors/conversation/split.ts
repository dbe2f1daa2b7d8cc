/**
 * Cuts a text into parts of at most `longest` characters that `fits` accepts, at a paragraph, line, word or character,
 * whichever comes first in this order in the second half of what fits. Joined, the parts are the text less the white
 * space at the cuts. A surrogate pair is never cut in two, and a part has at least one character, whether it fits or
 * not.
 */
export function split(text: string, longest: number, fits: (part: string) => boolean): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > 1 && (rest.length > longest || !fits(rest))) {
    const end = cutBefore(rest, longestFit(rest, longest, fits));
    parts.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...parts, rest].filter((part) => part !== "");
}

/** The largest length whose prefix fits, at least one character. */
function longestFit(text: string, longest: number, fits: (part: string) => boolean): number {
  let low = 1;
  let high = Math.min(longest, text.length - 1);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(text.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

const boundaries = ["\n\n", "\n", " "];

function cutBefore(text: string, longest: number): number {
  for (const boundary of boundaries) {
    const index = text.lastIndexOf(boundary, longest);
    if (index > longest / 2) return index;
  }
  if (!isInPair(text, longest)) return longest;
  return longest > 1 ? longest - 1 : 2;
}

/** True when the text has one character on both sides of this place. */
function isInPair(text: string, index: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1));
}
