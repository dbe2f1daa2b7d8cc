import { z } from "zod";
import { askingMarkers } from "../../actors/marker.ts";
import type { Host } from "../../runtime/host.ts";

const talk = z.object({
  current: z.object({ question: z.object({ from: z.object({ hops: z.number() }).optional() }) }).optional(),
});

/** Beyond this two agents have talked long enough with nobody else. */
export const mostHops = 10;

/** Through how many agents goes what an agent says now: one more than what it is answering. Throws {@link TooManyHops}. */
async function hopsFrom(agentId: string, server: string, host: Pick<Host, "list">): Promise<number> {
  let deepest = 0;
  for await (const { context } of host.list(server, "conversation", agentId)) {
    const { data } = talk.safeParse(context);
    deepest = Math.max(deepest, data?.current?.question.from?.hops ?? 0);
  }
  if (deepest >= mostHops) throw new TooManyHops();
  return deepest + 1;
}

/** What tells the others which agent says something, and how far it has come. Throws {@link TooManyHops}. */
export async function marksOf(
  { agentId, name }: { readonly agentId: string; readonly name?: string | undefined },
  server: string,
  host: Pick<Host, "list">,
): Promise<Readonly<Record<string, string | number>>> {
  return {
    [askingMarkers.agentId]: agentId,
    [askingMarkers.hops]: await hopsFrom(agentId, server, host),
    ...(name !== undefined && { [askingMarkers.name]: name }),
  };
}

/** Nothing was said. */
export class TooManyHops extends Error {
  override readonly name = "TooManyHops";
  override readonly message = `this has gone through ${mostHops} agents already`;
  readonly remedy = "Answer whoever asked, instead of asking on.";
}
