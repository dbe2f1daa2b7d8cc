import { agentOf, agentUserId, roomOf, serverOf } from "../../machines/addresses.ts";
import { conversationMachine } from "../../machines/conversation.ts";
import { MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ActionEffects, ChildEffects } from "../../runtime/effect.ts";
import { type AskDependencies, ask } from "./ask.ts";
import { finalContent } from "./content.ts";
import { type ReplyDependencies, reply, withdrawDraft } from "./reply.ts";
import { RoomTurn } from "./room-turn.ts";

export type ConversationDependencies = AskDependencies & ReplyDependencies;

export function conversationBehaviour(dependencies: ConversationDependencies): Behaviour {
  const { letta, sessions, markdown } = dependencies;
  const children: ChildEffects<typeof conversationMachine> = {
    ask: ask(dependencies),
    reply: reply(dependencies),
    withdrawDraft: withdrawDraft(dependencies),
    async openConversation({ agentId }, { signal }) {
      const { conversationId } = await letta.createConversation(agentId, signal);
      return { conversationId };
    },
    async showWait(input, { signal, emit }) {
      await emit({ type: "DRAFTING" });
      return { eventId: await new RoomTurn(sessions, input, signal).sendDraft(input.text) };
    },
  };
  const actions: ActionEffects<typeof conversationMachine> = {
    async refuse({ userId, roomId, question, text }, { signal }) {
      const content = finalContent({ question, attempt: 0, outcome: "error", text, part: 1, parts: 1 }, markdown);
      const txnId = transactionId({
        agent: userId,
        room: roomId,
        type: "m.room.message",
        cause: question.eventId,
        part: "final/1",
      });
      try {
        await sessions.as(userId).send(roomId, "m.room.message", txnId, content, signal);
      } catch (error) {
        // Nobody can be told anything in a room that does not let us speak.
        if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
      }
    },
  };
  return defineBehaviour({
    machine: conversationMachine,
    input: (id) => ({ agentId: agentOf(id), userId: agentUserId(serverOf(id), agentOf(id)), roomId: roomOf(id) }),
    children,
    actions,
    lanes: { refuse: "room" },
    backoffDelays: ["retry"],
  });
}
