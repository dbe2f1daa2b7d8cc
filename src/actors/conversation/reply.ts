import type { conversationMachine, TurnInput } from "../../machines/conversation.ts";
import type { Content, MatrixClient } from "../../matrix/port.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { turnMarkOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";
import { type FinalPart, finalContent } from "./content.ts";
import type { SendBudgets } from "./draft-budget.ts";
import type { Markdown } from "./markdown.ts";
import { RoomTurn } from "./room-turn.ts";
import { split } from "./split.ts";

type ConversationEffects = ChildEffects<typeof conversationMachine>;

export interface ReplyDependencies {
  readonly sessions: Sessions;
  readonly budgets: SendBudgets;
  readonly clock: Clock;
  readonly markdown: Markdown;
}

/** Bytes of an event's content: below the 64 KiB of a whole event, with room for what the homeserver adds. */
const largestContent = 48 * 1024;
/** Homeservers remember a transaction id for a day; what is older is looked for in the room first. */
const remembered = 20 * 3_600_000;
const longestSearch = 20;

/** Sends the answer: in place of the draft where there is one, in several parts where it is long. */
export function reply({ sessions, budgets, clock, markdown }: ReplyDependencies): ConversationEffects["reply"] {
  return async (input, { signal }) => {
    const { turn, userId, roomId } = input;
    const { answer, question, attempt, answeredAt = 0 } = turn;
    if (answer === undefined) throw new Error("there is no answer to send");
    const room = new RoomTurn(sessions, input, signal);
    const draft = await draftOf(room, turn);
    const budget = budgets.of(userId);
    const final = { question, attempt, outcome: answer.outcome, ...(draft !== undefined && { draft }) };
    const contents = finalContents(final, answer.text, markdown);
    const isOld = clock.now() - answeredAt > remembered;
    const there = isOld ? await partsInRoom(room.client, roomId, question.eventId, signal) : new Set<number>();
    for (const [index, content] of contents.entries()) {
      if (there.has(index + 1)) continue;
      budget.spend();
      await room.send(`final/${index + 1}`, content);
    }
  };
}

/** Removes the draft of a turn that turned out to have nothing to say. */
export function withdrawDraft({ sessions }: Pick<ReplyDependencies, "sessions">): ConversationEffects["withdrawDraft"] {
  return async (input, { signal }) => {
    const room = new RoomTurn(sessions, input, signal);
    const draft = await draftOf(room, input.turn);
    if (draft !== undefined) await room.redact(draft);
  };
}

/** The draft's event id. Where a draft may have been sent without our knowing its id, sending it again gives the id. */
async function draftOf(room: RoomTurn, { draft, drafting }: TurnInput["turn"]): Promise<string | undefined> {
  return draft ?? (drafting ? await room.sendDraft("…") : undefined);
}

function finalContents(final: Omit<FinalPart, "text" | "part" | "parts">, text: string, markdown: Markdown): Content[] {
  const asFirst = (part: string): Content => finalContent({ ...final, text: part, part: 1, parts: 99 }, markdown);
  const texts = split(text, (part) => encodedSize(asFirst(part)) <= largestContent);
  const { draft, ...later } = final;
  return texts.map((part, index) =>
    finalContent({ ...(index === 0 ? final : later), text: part, part: index + 1, parts: texts.length }, markdown),
  );
}

function encodedSize(content: Content): number {
  return Buffer.byteLength(JSON.stringify(content));
}

/** The numbers of the parts of this answer that stand in the room. */
async function partsInRoom(
  client: MatrixClient,
  roomId: string,
  cause: string,
  signal: AbortSignal,
): Promise<Set<number>> {
  const parts = new Set<number>();
  let from: string | undefined;
  for (let page = 0; page < longestSearch; page++) {
    const request = { dir: "b", limit: 100, types: ["m.room.message"], ...(from !== undefined && { from }) } as const;
    const { chunk, end } = await client.messages(roomId, request, signal);
    for (const { sender, content } of chunk) {
      const mark = sender === client.userId ? turnMarkOf(content) : undefined;
      if (mark?.cause === cause && mark.outcome !== undefined) parts.add(mark.part);
    }
    if (end === undefined || chunk.some(({ eventId }) => eventId === cause)) break;
    from = end;
  }
  return parts;
}
