import type { Content } from "../../matrix/port.ts";

/** Bytes of an event's content: below the 64 KiB of a whole event, with room for what the homeserver adds. */
const largestContent = 48 * 1024;

/** Cuts a text into parts that each fit into the event that shows it. Throws {@link TooLittleRoom}. */
export function splitForEvents(text: string, contentOf: (part: string) => Content): string[] {
  return split(text, largestContent, (part) => Buffer.byteLength(JSON.stringify(contentOf(part))));
}

/**
 * Cuts a text into parts whose size is at most `largest`, at a paragraph, line, word or character, whichever comes
 * first in this order in the second half of what fits. Joined, the parts are the text less the white space at the cuts.
 * A surrogate pair is never cut in two, and a part has at least one character, whether it fits or not.
 *
 * `sizeOf` is never smaller than the number of characters. It may be costly: it is asked a few times for each part. Throws
 * {@link TooLittleRoom} where a part without any text is larger than half of what a part may be: there would be ever more
 * parts with ever less in them.
 */
export function split(text: string, largest: number, sizeOf: (part: string) => number): string[] {
  if (sizeOf("") > largest / 2) throw new TooLittleRoom();
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const fitting = longestFit(rest, largest, sizeOf);
    if (fitting >= rest.length) break;
    const end = cutBefore(rest, fitting);
    parts.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...parts, rest].filter((part) => part !== "");
}

/** What goes with each part leaves too little of it for the text. */
export class TooLittleRoom extends Error {
  override readonly name = "TooLittleRoom";
  readonly kind = "too-large";
  override readonly message = "what goes with the text, such as whom it mentions, leaves too little room for the text";
  readonly remedy = "Mention fewer users.";
}

/** How much shorter than the longest that fits a part may be: looking closer costs more than it gains. */
const closeEnough = 0.9;

/** Nearly the largest length whose prefix fits, at least one character; all of the text when that fits. */
function longestFit(text: string, largest: number, sizeOf: (part: string) => number): number {
  let fits = 0;
  let tooLong = Math.min(text.length, largest) + 1;
  let guess = tooLong - 1;
  for (let guesses = 1; fits < closeEnough * (tooLong - 1); guesses++) {
    const size = sizeOf(text.slice(0, guess));
    if (size <= largest) fits = guess;
    else tooLong = guess;
    if (fits === guess && size >= closeEnough * largest) break;
    // Sizes mostly grow evenly, so the limit is where they would reach it. Where they do not, halving ends it.
    const reached = Math.floor((guess * largest * 0.95) / size);
    const isBetween = guesses < 4 && reached > fits && reached < tooLong;
    guess = isBetween ? reached : Math.floor((fits + tooLong) / 2);
  }
  return Math.max(1, fits);
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
