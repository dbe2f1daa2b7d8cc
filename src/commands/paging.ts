import { z } from "zod";

/** How a list comes in pages: each page says where the next one begins, by the place of its last thing in the list. */

export const limit = z.int().min(1).max(1_000).describe("How many at most.");

export const paging = {
  limit: limit.exactOptional(),
  cursor: z.string().min(1).max(2_000).exactOptional().describe("`next` of the page before."),
};

export const next = z.string().exactOptional().describe("Where the next page begins; left out on the last one.");

interface Asked {
  readonly limit?: number;
  readonly cursor?: string;
}

/** What an answer has of the page that follows. */
interface Following {
  readonly next?: string;
}

interface Page<T> {
  readonly shown: readonly T[];
  readonly following: Following;
}

/** What a cursor says: no list takes that of another one. */
const cursorOf = (list: string) => z.tuple([z.literal(list), z.string()]);

/** The place after which the page begins; all places come after the empty one. Throws {@link NoSuchPage}. */
export function placeIn(list: string, { cursor }: Asked): string {
  if (cursor === undefined) return "";
  try {
    const [, place] = cursorOf(list).parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    return place;
  } catch (cause) {
    throw new NoSuchPage(cause);
  }
}

/** What follows a page that ends at this place. */
export function pageAfter(list: string, place: string): Following {
  return { next: Buffer.from(JSON.stringify([list, place])).toString("base64url") };
}

/** A page of what is all known, in the order of the places. Throws {@link NoSuchPage}. */
export function pageOf<T>(list: string, all: readonly T[], placeOf: (one: T) => string, asked: Asked): Page<T> {
  const { limit: most = Number.POSITIVE_INFINITY } = asked;
  const after = placeIn(list, asked);
  const left = all.filter((one) => placeOf(one) > after).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  const shown = left.slice(0, most);
  const last = shown.at(-1);
  return { shown, following: left.length > shown.length && last !== undefined ? pageAfter(list, placeOf(last)) : {} };
}

/** Nothing was given. */
export class NoSuchPage extends Error {
  override readonly name = "NoSuchPage";
  override readonly message = "the cursor is none of this list";
  readonly remedy = "Send `next` of the page before as it was, or begin without a cursor.";

  constructor(cause: unknown) {
    super(undefined, { cause });
  }
}
