import type { ConversationContext, TurnInput } from "../../src/machines/conversation/context.ts";
import type { ChartDriver } from "./chart-driver.ts";
import { drive, question } from "./charts-under-test.ts";

export type Conversation = ChartDriver<ConversationContext>;

/** A conversation in which the first question is being asked. */
export function asking(): Conversation {
  const conversation = drive.conversation();
  conversation.send({ type: "MESSAGE", question: question(1) });
  conversation.done("openConversation", { conversationId: "letta-1" });
  return conversation;
}

export function turnOf(conversation: Conversation, child: string): TurnInput["turn"] {
  return conversation.inputOf<TurnInput>(child).turn;
}
