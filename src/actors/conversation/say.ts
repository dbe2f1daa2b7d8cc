import type { conversationMachine } from "../../machines/conversation/index.ts";
import { type Content, MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { ActionEffects, EffectContext } from "../../runtime/effect.ts";
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
      await tell({ userId, roomId, cause: question.eventId, part: "final/1", content }, context);
    },
    async remark({ userId, roomId, to, text }, context) {
      await tell({ userId, roomId, cause: to.eventId, part: "remark", content: remarkContent({ to, text }) }, context);
    },
    async sayCut({ userId, roomId, gap }, context) {
      await tell({ userId, roomId, cause: gap, part: "cut", content: cutNotice() }, context);
    },
  };

  async function tell(remark: Telling, { signal, restarted }: Circumstances): Promise<void> {
    const { userId, roomId, cause, part, content } = remark;
    const txnId = transactionId({ agent: userId, room: roomId, type: "m.room.message", cause, part });
    const client = sessions.as(userId).at("answer");
    try {
      await (restarted ? sayOnce : say)(client, { roomId, txnId, content, after: cause }, signal);
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
}

type Circumstances = Pick<EffectContext, "signal" | "restarted">;
