/**
 * Cuts a text into parts that `fits` accepts, at a paragraph, line, word or character, whichever comes latest in the
 * second half of what fits. Joined, the parts are the text less the white space at the cuts. A surrogate pair is never
 * cut in two.
 */
export function split(text: string, fits: (part: string) => boolean): string[] {
  const parts: string[] = [];
  let rest = text;
  while (!fits(rest)) {
    const end = cutBefore(rest, longestFit(rest, fits));
    parts.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...parts, rest].filter((part) => part !== "");
}

/** The largest length whose prefix fits, at least one character. */
function longestFit(text: string, fits: (part: string) => boolean): number {
  let low = 1;
  let high = text.length - 1;
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
  return isLowSurrogate(text, longest) && longest > 1
    ? longest - 1
    : Math.max(longest, isLowSurrogate(text, longest) ? 2 : 1);
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
