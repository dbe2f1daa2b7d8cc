export interface Likeness {
  readonly candidate: string;
  /** How many letters are other ones. */
  readonly distance: number;
  /** Near enough to be what was meant. */
  readonly isNear: boolean;
}

/** The candidate that is most like `word`, if one is near enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const [best] = byLikeness(word, candidates);
  return best?.isNear === true ? best.candidate : undefined;
}

/** All candidates, those that are most like `word` first. */
export function byLikeness(word: string, candidates: readonly string[]): Likeness[] {
  const tolerated = Math.max(1, Math.floor(word.length / 3));
  return candidates
    .map((candidate) => {
      const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
      return { candidate, distance, isNear: distance <= tolerated };
    })
    .sort((a, b) => a.distance - b.distance);
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, left] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...to].entries()) {
      const substituted = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? from.length;
}
