import { z } from "zod";
import type { Question } from "../../machines/question.ts";
import { type MatrixClient, MatrixError, type MatrixEvent } from "../../matrix/port.ts";
import { turnMarkOf } from "../marker.ts";
import { pastOf } from "../room-past.ts";

const content = z.object({
  msgtype: z.literal("m.text"),
  body: z.string(),
  "m.relates_to": z.object({ rel_type: z.string().optional(), event_id: z.string().optional() }).optional(),
});

/** Of 100 events: an agent that says more than that within a turn is not looked after. */
const mostPages = 1;

/**
 * Whether the agent has said this by a tool since it was asked, where the answer would stand. Models that have sent
 * something tend to end their turn with the same words: people would read them twice.
 */
export async function isSaidByTool(
  client: MatrixClient,
  roomId: string,
  { eventId: question, thread }: Question,
  answer: string,
  signal: AbortSignal,
): Promise<boolean> {
  const words = wordsOf(answer);
  const isIt = ({ sender, type, content: given }: MatrixEvent): boolean => {
    const { data } = content.safeParse(given);
    if (sender !== client.userId || type !== "m.room.message" || data === undefined) return false;
    const { rel_type: relation, event_id: root } = data["m.relates_to"] ?? {};
    if (relation === "m.replace" || turnMarkOf(given) !== undefined) return false;
    return (relation === "m.thread" ? root : undefined) === thread && wordsOf(data.body) === words;
  };
  try {
    for await (const chunk of pastOf(client, roomId, mostPages, signal)) {
      const asked = chunk.findIndex(({ eventId }) => eventId === question);
      if (chunk.slice(0, asked < 0 ? chunk.length : asked).some(isIt)) return true;
      if (asked >= 0) return false;
    }
    return false;
  } catch (error) {
    // To say it twice is better than never.
    if (error instanceof MatrixError) return false;
    throw error;
  }
}

/** What is the same to who reads it. */
function wordsOf(text: string): string {
  return text.normalize("NFC").replaceAll(/\s+/g, " ").trim();
}
