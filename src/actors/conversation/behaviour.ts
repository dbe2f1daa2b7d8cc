import { agentOf, agentUserId, roomOf, serverOf } from "../../machines/addresses.ts";
import { conversationMachine } from "../../machines/conversation/index.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { ActorEvent } from "../../runtime/record.ts";
import type { Directory } from "../directory.ts";
import { type AskDependencies, ask } from "./ask.ts";
import { findAnswered } from "./find-answered.ts";
import { type ReplyDependencies, reply, withdrawDraft } from "./reply.ts";
import { RoomTurn } from "./room-turn.ts";
import { type SayDependencies, sayings } from "./say.ts";

export type ConversationDependencies = AskDependencies &
  ReplyDependencies &
  SayDependencies & { readonly directory: Pick<Directory, "isPaused"> };

/** An edit, or a sign, is about what was said before: where nobody ever spoke to the agent that is nothing of its. */
function beginsConversation({ type, command }: ActorEvent): boolean {
  return type !== "EDITED" && Reflect.get(Object(command), "reactionTo") === undefined;
}

export function conversationBehaviour(dependencies: ConversationDependencies): Behaviour {
  const { letta, sessions, directory } = dependencies;
  const children: ChildEffects<typeof conversationMachine> = {
    ask: ask(dependencies),
    reply: reply(dependencies),
    withdrawDraft: withdrawDraft(dependencies),
    findAnswered: findAnswered(dependencies),
    async openConversation({ agentId, from }, { signal }) {
      const { conversationId } =
        from === undefined
          ? await letta.createConversation(agentId, signal)
          : await letta.branchConversation({ agentId, conversationId: from }, signal);
      return { conversationId };
    },
    async lookWhetherPaused({ agentId }) {
      return { paused: directory.isPaused(agentId) };
    },
    async showWait(input, { signal, emit, restarted }) {
      await emit({ type: "DRAFTING" });
      return { eventId: await new RoomTurn(sessions, input, signal, restarted).sendDraft(input.text) };
    },
  };
  return defineBehaviour({
    machine: conversationMachine,
    input: (id) => ({ agentId: agentOf(id), userId: agentUserId(serverOf(id), agentOf(id)), roomId: roomOf(id) }),
    wakes: beginsConversation,
    children,
    actions: sayings(dependencies),
    lanes: { refuse: "room", remark: "room", sayCut: "room" },
    backoffDelays: ["retry"],
  });
}
