const hour = 3_600_000;

/** What a server may ask us to wait, ms, and what of that an error of its port says. */
export const askedWaits: readonly (readonly [asked: number, given: number | undefined])[] = [
  [10 * 365 * 24 * hour, hour],
  [Number.POSITIVE_INFINITY, hour],
  [-1, 0],
  [Number.NaN, undefined],
  [1_500, 1_500],
];
