import { z } from "zod";
import type { Answer } from "../machines/question.ts";
import type { MatrixEvent } from "../matrix/port.ts";
import { turnMarkOf } from "./marker.ts";

const said = z.object({
  body: z.string(),
  "m.new_content": z.object({ body: z.string() }).optional().catch(undefined),
});

/**
 * What an agent's user has answered to a message, all its parts, if the last of them is among these events. What it said
 * later, when another agent had answered it, is not that.
 */
export function finalAnswerIn(events: readonly MatrixEvent[], userId: string, eventId: string): Answer | undefined {
  const parts = events.flatMap(({ sender, content }) => {
    const mark = sender === userId ? turnMarkOf(content) : undefined;
    const { data } = said.safeParse(content);
    if (mark?.cause !== eventId || mark.outcome === undefined || data === undefined) return [];
    if (mark.reply_to !== undefined) return [];
    return [{ ...mark, outcome: mark.outcome, text: data["m.new_content"]?.body ?? data.body }];
  });
  const last = parts.find(({ final }) => final);
  if (last === undefined) return undefined;
  const whole = parts.filter(({ attempt, retry }) => attempt === last.attempt && retry === last.retry);
  const text = whole.toSorted((a, b) => a.part - b.part).map((part) => part.text);
  return { outcome: last.outcome, text: text.join("\n") };
}
