import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKnown } from "../scale/known.ts";
import type { Figure } from "./figures.ts";

/** What the program makes itself; the others are known as these are. */
const made = 20;

/** What idle agents take of memory where the homeserver pushes, and how long a start takes that finds them. */
export async function knownAgents(counts: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const agents of counts) {
    const dir = await mkdtemp(join(tmpdir(), "letta-matrix-bench-"));
    try {
      const say = (): void => undefined;
      figures.push(...(await startKnown({ dir, agents, made, say }, async (_, started) => figuresOf(started))));
    } finally {
      await rm(dir, { recursive: true });
    }
  }
  return figures;
}

function figuresOf({
  agents,
  few,
  fewAgents,
  idle,
  start,
  looks,
}: Parameters<Parameters<typeof startKnown>[1]>[1]): Figure[] {
  const figure = { moreIsBetter: false } as const;
  const of = `${agents.toLocaleString("en")} known agents`;
  const each = (mb: number): number => (mb * 1_024) / (agents - fewAgents);
  return [
    {
      ...figure,
      name: `heap of each of ${of}`,
      unit: "KB",
      value: each(idle.heap - few.heap),
      baseline: { name: "the aim", value: 10 },
    },
    {
      ...figure,
      name: `RSS with ${of}`,
      unit: "MB",
      value: idle.rss,
      baseline: { name: `with ${fewAgents} agents`, value: few.rss },
    },
    {
      ...figure,
      name: `start with ${of}, until each is ready`,
      unit: "s",
      value: start.ms / 1_000,
      baseline: { name: "the homeserver's CPU meanwhile", value: start.homeserver / 1_000 },
    },
    {
      ...figure,
      name: `CPU until all of ${of} have looked back`,
      unit: "s",
      value: (start.program + looks.program) / 1_000,
      baseline: { name: "the homeserver's", value: (start.homeserver + looks.homeserver) / 1_000 },
    },
  ];
}
