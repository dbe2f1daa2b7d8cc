import type { conversationMachine } from "../../machines/conversation/index.ts";
import { causeOf, type Question } from "../../machines/question.ts";
import type { MatrixEvent } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { turnMarkOf } from "../marker.ts";
import { pastOf } from "../room-past.ts";
import type { Sessions } from "../sessions.ts";

type ConversationEffects = ChildEffects<typeof conversationMachine>;

/** Pages that are read at most, of 100 events each: what was said since the backup may be much. */
const mostPages = 1_000;
/** How far the events of a room may be out of the order of their times, ms. */
const disorder = 24 * 3_600_000;

/** Looks through a room, from its end back to the oldest of some questions, for which of them have their final answer. */
export function findAnswered({ sessions }: { readonly sessions: Sessions }): ConversationEffects["findAnswered"] {
  return async ({ userId, roomId, questions }, { signal }) => {
    const client = sessions.as(userId).at("conversation");
    const answered = new Set<string>();
    const unseen = new Set(questions.map(({ eventId }) => eventId));
    const oldest = Math.min(...questions.map(({ sentAt }) => sentAt)) - disorder;
    for await (const chunk of pastOf(client, roomId, mostPages, signal)) {
      for (const event of chunk) {
        unseen.delete(event.eventId);
        const question = event.sender === userId ? questions.find((one) => isFinalOf(event, one)) : undefined;
        if (question !== undefined) answered.add(causeOf(question));
      }
      const isBefore = chunk.length > 0 && chunk.every(({ originServerTs }) => originServerTs < oldest);
      if (unseen.size === 0 || isBefore) break;
    }
    return { answered: [...answered] };
  };
}

/** Whether it is the last part of the answer to this question. */
export function isFinalOf({ content }: MatrixEvent, { eventId, retry }: Pick<Question, "eventId" | "retry">): boolean {
  const mark = turnMarkOf(content);
  return mark?.final === true && mark.cause === eventId && mark.retry === retry;
}
