import type { Question } from "../question.ts";

/** Questions that may wait in one conversation; the next is refused visibly. */
const longestQueue = 500;
/** Bytes of their texts, sixty of the longest that an event can hold: each step writes the conversation's record whole. */
export const largestQueue = 4 * 1024 * 1024;

const tooLongToWait =
  "This message was changed into a longer one than I could keep beside all that waits here. Please send it again.";

/** One alone always has room: a homeserver takes no event that is as large as a queue. */
export function hasRoomFor(queue: readonly Question[], question: Question): boolean {
  if (queue.length === 0) return true;
  return queue.length < longestQueue && sizeOf(queue) + sizeOf([question]) <= largestQueue;
}

export function refusalOf(queue: readonly Question[]): string {
  return `${whatWaitsIn(queue)}, so I did not take this one. Please send it again later.`;
}

/** The message itself, not the command: by the time that there is room, another may be the last that failed. */
export function retryRefusalOf(queue: readonly Question[]): string {
  return `${whatWaitsIn(queue)}, so I did not try the last one again. Please send it again later.`;
}

function whatWaitsIn(queue: readonly Question[]): string {
  return queue.length >= longestQueue
    ? `${longestQueue} messages are waiting already`
    : "Long messages are waiting already";
}

/** The queue with a question's text replaced. One that has become too long keeps its place, and is told so there. */
export function withText(queue: readonly Question[], isMeant: (one: Question) => boolean, text: string): Question[] {
  return queue.map((question) => {
    if (!isMeant(question)) return question;
    const others = queue.filter((other) => other !== question);
    const edited = { ...question, text };
    return hasRoomFor(others, edited) ? edited : { ...question, text: "", unreadable: tooLongToWait };
  });
}

function sizeOf(questions: readonly Question[]): number {
  return questions.reduce((size, { text }) => size + Buffer.byteLength(text), 0);
}
