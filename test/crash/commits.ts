import { z } from "zod";
import { unseal } from "../../src/runtime/embedded/store/seal.ts";
import type { Write } from "../../src/runtime/embedded/store.ts";
import type { DiskOptions } from "./disk.ts";
import type { KillPoint } from "./kill-point.ts";

const named = z.object({ eventId: z.string() });
const record = z.object({
  machine: z.literal("conversation"),
  context: z.object({ queue: z.array(named), current: z.object({ question: named }).optional() }),
});

/** The boundaries that lie in a commit: they are those of the messages whose conversations take a step in it. */
export function watchCommits(points: KillPoint): DiskOptions["on"] {
  return (when, writes) => {
    points.pulse();
    for (const eventId of writes.flatMap(questionOf)) points.pass(when, { eventId });
  };
}

/** The question that the conversation is at, or has taken last. */
function questionOf(write: Write): string[] {
  if (write.type === "del" || !write.key.startsWith("r|")) return [];
  const parsed = record.safeParse(JSON.parse(unseal(write.key, write.value).value));
  if (!parsed.success) return [];
  const { queue, current } = parsed.data.context;
  const question = current?.question ?? queue.at(-1);
  return question === undefined ? [] : [question.eventId];
}
