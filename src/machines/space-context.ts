import type { ActorId } from "../runtime/actor-id.ts";
import type { Tell } from "../runtime/step.ts";
import { remind } from "./reminder.ts";
import type { Wait } from "./wait.ts";

/** What the space chart keeps, and what it makes of it. */

export interface SpaceInput {
  /** Rooms for which clients page well through one space: agents beyond that find their place in further parts. */
  readonly capacity: number;
}

export interface SpaceContext extends SpaceInput {
  /** The space itself, which everybody enters. */
  readonly spaceId?: string;
  /** How many parts there are: the first is the space itself, the others are spaces in it. */
  readonly parts: number;
  /** The part that is looked after. */
  readonly part: number;
  readonly partId?: string | undefined;
  /** The last part: agents that come get their place there. */
  readonly lastId?: string | undefined;
  /** Places given in the last part. */
  readonly given: number;
  /** True when an agent waits for a place that there is not yet. */
  readonly wanted: boolean;
  readonly tries: number;
  readonly retryAfterMs: number;
  readonly wait?: Wait | undefined;
}

export type SpaceEvent =
  | {
      /** An agent asks where its room belongs. It is answered now, or as soon as there is a place. */
      readonly type: "SPACE_WANTED";
      readonly asker: ActorId;
    }
  /** Somebody may have changed something: look. */
  | { readonly type: "INSPECT" };

/** One of the spaces that make up the space. */
export interface Part {
  readonly part: number;
  /** The space itself, once it is known. */
  readonly spaceId: string | null;
}

export interface MadePart {
  readonly part: number;
  readonly partId: string;
  readonly spaceId: string;
}

/** Agents that are to be told where their rooms belong. */
export interface Residents {
  /** Their place is in this part, which is not where they know it. */
  readonly moved: readonly ActorId[];
  /** They have no place yet. */
  readonly homeless: readonly ActorId[];
  /** Of the records of these: what names what each is told. */
  readonly revisions: Readonly<Record<string, number>>;
}

export function partOf({ part, spaceId }: SpaceContext): Part {
  return { part, spaceId: spaceId ?? null };
}

export function madePart({ part, partId = "", spaceId = "" }: SpaceContext): MadePart {
  return { part, partId, spaceId };
}

/** How many of the homeless find a place in the part that is looked after. */
export function placesFor({ part, parts, capacity, given }: SpaceContext, { homeless }: Residents): number {
  return part === parts ? Math.min(homeless.length, Math.max(0, capacity - given)) : 0;
}

export function welcome(context: SpaceContext, residents: Residents, now: number): Tell[] {
  const { part, partId } = context;
  const placed = residents.homeless.slice(0, placesFor(context, residents));
  return [...residents.moved, ...placed].map((to) => {
    const tell = tellPlace(to, part, partId);
    return remind({ ...tell, what: `SPACE_READY ${part} ${partId}`, revision: residents.revisions[to] }, now);
  });
}

export function answerAsker({ parts, lastId }: SpaceContext, asker: ActorId): Tell {
  return tellPlace(asker, parts, lastId);
}

function tellPlace(to: ActorId, part: number, spaceId = ""): Tell {
  return { to, event: { type: "SPACE_READY", spaceId, part } };
}
