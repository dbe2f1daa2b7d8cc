import type { TurnInput } from "../../machines/conversation/context.ts";
import type { conversationMachine } from "../../machines/conversation/index.ts";
import type { Content } from "../../matrix/port.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";
import { closeRequest, outcomes } from "./approvals.ts";
import { type FinalPart, finalContent } from "./content.ts";
import type { SendBudgets } from "./draft-budget.ts";
import type { Markdown } from "./markdown.ts";
import { RoomTurn } from "./room-turn.ts";
import { splitForEvents } from "./split.ts";

type ConversationEffects = ChildEffects<typeof conversationMachine>;

export interface ReplyDependencies {
  readonly sessions: Sessions;
  readonly budgets: SendBudgets;
  readonly markdown: Markdown;
}

/** Sends the answer: in place of the draft where there is one, in several parts where it is long. */
export function reply({ sessions, budgets, markdown }: ReplyDependencies): ConversationEffects["reply"] {
  return async (input, { signal, restarted }) => {
    const { answer, question, attempt } = input.turn;
    if (answer === undefined) throw new Error("there is no answer to send");
    const room = new RoomTurn(sessions, input, signal, restarted);
    await closeStanding(room, input.turn);
    const draft = input.turn.draft ?? (await room.findDraft());
    const budget = budgets.of(input.userId);
    const final = { question, attempt, outcome: answer.outcome, ...(draft !== undefined && { draft }) };
    for (const [index, content] of finalContents(final, answer.text, markdown).entries()) {
      budget.spend();
      await room.send(`final/${index + 1}`, content);
    }
  };
}

/** Removes the draft of a turn that turned out to have nothing to say. */
export function withdrawDraft({ sessions }: Pick<ReplyDependencies, "sessions">): ConversationEffects["withdrawDraft"] {
  return async (input, { signal, restarted }) => {
    const room = new RoomTurn(sessions, input, signal, restarted);
    await closeStanding(room, input.turn);
    const draft = input.turn.draft ?? (await room.findDraft());
    if (draft !== undefined) await room.redact(draft);
  };
}

/**
 * No request stands open when its turn has ended: neither one that nobody has decided, nor one whose decision the
 * process did not live to tell. Where it was told, what stands there stays: it has the same name.
 */
async function closeStanding(room: RoomTurn, { approval, decided }: TurnInput["turn"]): Promise<void> {
  if (approval !== undefined) await closeRequest(room, approval, outcomes.notNeeded);
  else if (decided !== undefined) await closeRequest(room, decided, outcomes.decidedAndCutOff);
}

function finalContents(final: Omit<FinalPart, "text" | "part" | "parts">, text: string, markdown: Markdown): Content[] {
  const asFirst = (part: string): Content => finalContent({ ...final, text: part, part: 1, parts: 99 }, markdown);
  const texts = splitForEvents(text, asFirst);
  const { draft, ...later } = final;
  return texts.map((part, index) =>
    finalContent({ ...(index === 0 ? final : later), text: part, part: index + 1, parts: texts.length }, markdown),
  );
}
