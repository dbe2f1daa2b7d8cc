import type { conversationMachine } from "../../machines/conversation/index.ts";
import { type Content, MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { ActionEffects } from "../../runtime/effect.ts";
import { say, sayOnce } from "../said.ts";
import type { Sessions } from "../sessions.ts";
import { cutNotice, finalContent, remarkContent } from "./content.ts";
import type { Markdown } from "./markdown.ts";

type Sayings = Required<Pick<ActionEffects<typeof conversationMachine>, "refuse" | "remark" | "sayCut">>;

export interface SayDependencies {
  readonly sessions: Sessions;
  readonly markdown: Markdown;
}

/** What a conversation says outside its turns. Each is named by its cause, and so said once. */
export function sayings({ sessions, markdown }: SayDependencies): Sayings {
  return {
    async refuse({ userId, roomId, question, text }, context) {
      const content = finalContent({ question, attempt: 0, outcome: "error", text, part: 1, parts: 1 }, markdown);
      const mayBeSaid = context.restarted || question.maybeAsked === true;
      await tell({ userId, roomId, cause: question.eventId, part: "final/1", content, mayBeSaid }, context.signal);
    },
    async remark({ userId, roomId, to, text }, context) {
      const content = remarkContent({ to, text });
      const mayBeSaid = context.restarted;
      await tell({ userId, roomId, cause: to.eventId, part: "remark", content, mayBeSaid }, context.signal);
    },
    async sayCut({ userId, roomId, gap }, context) {
      const mayBeSaid = context.restarted;
      await tell({ userId, roomId, cause: gap, part: "cut", content: cutNotice(), mayBeSaid }, context.signal);
    },
  };

  async function tell(remark: Telling, signal: AbortSignal): Promise<void> {
    const { userId, roomId, cause, part, content, mayBeSaid } = remark;
    const txnId = transactionId({ agent: userId, room: roomId, type: "m.room.message", cause, part });
    const client = sessions.as(userId).at("answer");
    try {
      await (mayBeSaid ? sayOnce : say)(client, { roomId, txnId, content, after: cause }, signal);
    } catch (error) {
      // Nobody can be told anything in a room that does not let us speak.
      if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
    }
  }
}

interface Telling {
  readonly userId: string;
  readonly roomId: string;
  readonly cause: string;
  readonly part: string;
  readonly content: Content;
  /** An earlier process, or an earlier store, may have said it. */
  readonly mayBeSaid: boolean;
}
