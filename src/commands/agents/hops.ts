import { z } from "zod";
import { askingMarkers } from "../../actors/marker.ts";
import type { Host } from "../../runtime/host.ts";

const talk = z.object({
  current: z.object({ question: z.object({ from: z.object({ hops: z.number() }).optional() }) }).optional(),
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

/** Through how many agents goes what an agent says now: one more than what it is answering. Throws {@link TooManyHops}. */
async function hopsFrom(agentId: string, { host, server, talk: { mostHops } }: TalkPlace): Promise<number> {
  let deepest = 0;
  for await (const { context } of host.list(server, "conversation", agentId)) {
    const { data } = talk.safeParse(context);
    deepest = Math.max(deepest, data?.current?.question.from?.hops ?? 0);
  }
  if (deepest >= mostHops) throw new TooManyHops(mostHops);
  return deepest + 1;
}

/** What tells the others which agent says something, and how far it has come. Throws {@link TooManyHops}. */
export async function marksOf(
  { agentId, name }: { readonly agentId: string; readonly name?: string | undefined },
  place: TalkPlace,
): Promise<Readonly<Record<string, string | number>>> {
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
