import { SendBudgets } from "../../../src/actors/conversation/draft-budget.ts";
import { Markdown } from "../../../src/actors/conversation/markdown.ts";
import { turnMarkOf } from "../../../src/actors/marker.ts";
import type { Turn, TurnInput } from "../../../src/machines/conversation/context.ts";
import type { Question } from "../../../src/machines/question.ts";
import type { MatrixEvent } from "../../../src/matrix/port.ts";
import { FakeLetta } from "../../ports/fake-letta.ts";
import { type Town, town } from "../town.ts";

/** A question that stands in an agent's room, and what its turn's effects work with. */
export interface TurnWorld extends Town {
  readonly letta: FakeLetta;
  readonly directory: { isPaused(): boolean };
  readonly budgets: SendBudgets;
  readonly markdown: Markdown;
  readonly question: Question;
  input(turn?: Partial<Turn>): TurnInput;
  /** What the agent has sent, oldest first. */
  readonly sent: readonly MatrixEvent[];
  /** The agent's finals: as people see them, edits in place. */
  readonly finals: readonly { readonly body: unknown; readonly part: number; readonly edits: boolean }[];
}

export async function turnWorld(): Promise<TurnWorld> {
  const place = await town();
  const { clock, homeserver, userId, roomId } = place;
  const asked = place.say("why?");
  const question: Question = {
    eventId: asked.eventId,
    sender: asked.sender,
    sentAt: asked.originServerTs,
    text: "why?",
    mentioned: false,
  };
  const turn: Turn = { question, attempt: 1, tries: 0, busyTries: 0, moves: 0, drafting: false, toolApproved: false };
  const sent = (): MatrixEvent[] =>
    homeserver.room(roomId).events.filter(({ sender, type }) => sender === userId && type === "m.room.message");
  return {
    ...place,
    letta: new FakeLetta(),
    directory: { isPaused: () => false },
    budgets: new SendBudgets({ ratePerSecond: 1, burst: 10 }, clock),
    markdown: new Markdown(),
    question,
    input: (change) => ({
      agentId: "agent-1",
      userId,
      roomId,
      conversationId: "letta-1",
      turn: { ...turn, ...change },
    }),
    get sent() {
      return sent();
    },
    get finals() {
      return sent().flatMap(({ content }) => {
        const mark = turnMarkOf(content);
        if (mark?.outcome === undefined) return [];
        const fresh = Object(content["m.new_content"] ?? content);
        return [{ body: fresh.body, part: mark.part, edits: "m.new_content" in content }];
      });
    },
  };
}
