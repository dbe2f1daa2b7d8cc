import type { Tell } from "../../runtime/step.ts";
import { addressOf, serverOfUser } from "../addresses.ts";
import type { Question, Returned } from "../question.ts";
import type { AnswerReturned, Asked, ConversationContext } from "./context.ts";

/**
 * What agents answer each other goes back into the conversation in which the asking one was: as the tool's result while
 * that waits, else as one input there. Whichever is written down there first counts.
 */

/** Beyond that the oldest is forgotten: its answer stands in the room where it was asked. */
const mostAsked = 50;

export function noted(asked: readonly Asked[] = [], { key, name, about }: Asked): readonly Asked[] {
  const one = { key, about, ...(name !== undefined && { name }) };
  return [...asked.filter((other) => other.key !== key), one].slice(-mostAsked);
}

/** Nothing of it is to be told any more. */
export function withoutAsked({ asked = [], queue }: ConversationContext, key: string) {
  return {
    asked: asked.filter((one) => one.key !== key),
    queue: queue.filter(({ returned, retry }) => returned === undefined || retry !== key),
  };
}

/** The input that it becomes: about the message on which the asking agent was, under a name of its own. */
export function inputOf(
  { asked = [], closed }: ConversationContext,
  { key, from, returned, text }: AnswerReturned,
  at: number,
): Question | undefined {
  const known = asked.find((one) => one.key === key);
  if (known === undefined || closed !== undefined) return undefined;
  const { about, name } = known;
  const named = { ...from, ...(name !== undefined && { name }) };
  return { ...about, retry: key, sentAt: at, mentioned: false, text, from: named, returned };
}

/** Tells whoever asked, if it is an agent that wants to hear of it. */
export function returning(
  { agentId, userId }: Pick<ConversationContext, "agentId" | "userId">,
  question: Question | undefined,
  { outcome, text }: { readonly outcome: Returned["outcome"]; readonly text: string },
): readonly Tell[] {
  const asking = question?.from;
  if (asking?.replyTo === undefined) return [];
  const { key, roomId } = asking.replyTo;
  const event: AnswerReturned = {
    type: "RETURNED",
    key,
    from: { agentId, hops: asking.hops + 1 },
    returned: { userId, outcome },
    text,
  };
  const to = addressOf.conversation(serverOfUser(userId), asking.agentId, roomId);
  return [{ to, event: { ...event } }];
}

/** How a turn has ended, for whoever asked. */
export function endOf({ current }: ConversationContext): {
  readonly outcome: Returned["outcome"];
  readonly text: string;
} {
  return current?.answer ?? { outcome: "silence", text: "" };
}
