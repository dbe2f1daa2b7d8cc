import { z } from "zod";
import { askingMarkers } from "../../actors/marker.ts";
import type { Host } from "../../runtime/host.ts";

const talk = z.object({
  current: z.object({
    question: z.object({ from: z.object({ hops: z.number() }).optional() }),
    heardHops: z.number().optional(),
  }),
});

/** How agents may talk to each other. */
export interface TalkOptions {
  /** Through how many agents a thing may go: beyond this they have talked long enough with nobody else. */
  readonly mostHops: number;
}

/** Where agents talk. */
export interface TalkPlace {
  readonly host: Pick<Host, "list">;
  readonly server: string;
  /** Read each time: it may change. */
  readonly talk: TalkOptions;
}

/**
 * Through how many agents goes what an agent says now: one more than what it is answering, or has been told by another
 * meanwhile. Throws {@link TooManyHops}.
 */
async function hopsFrom(agentId: string, { host, server, talk: { mostHops } }: TalkPlace): Promise<number> {
  let deepest = 0;
  for await (const { context } of host.list(server, "conversation", agentId)) {
    const { data } = talk.safeParse(context);
    const { question, heardHops = 0 } = data?.current ?? {};
    deepest = Math.max(deepest, question?.from?.hops ?? 0, heardHops);
  }
  if (deepest >= mostHops) throw new TooManyHops(mostHops);
  return deepest + 1;
}

/** By their names in a message. */
export type AskingMarks = {
  readonly [askingMarkers.agentId]: string;
  readonly [askingMarkers.hops]: number;
  readonly [askingMarkers.name]?: string;
};

/** What tells the others which agent says something, and how far it has come. Throws {@link TooManyHops}. */
export async function marksOf(
  { agentId, name }: { readonly agentId: string; readonly name?: string | undefined },
  place: TalkPlace,
): Promise<AskingMarks> {
  return {
    [askingMarkers.agentId]: agentId,
    [askingMarkers.hops]: await hopsFrom(agentId, place),
    ...(name !== undefined && { [askingMarkers.name]: name }),
  };
}

/** Nothing was said. */
export class TooManyHops extends Error {
  override readonly name = "TooManyHops";
  readonly remedy = "Answer whoever asked, instead of asking on. The operator can allow more by agents.most_hops.";

  constructor(mostHops: number) {
    super(`this has gone through ${mostHops} agents already, and may go through no more`);
  }
}
