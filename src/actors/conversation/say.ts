import type { conversationMachine } from "../../machines/conversation/index.ts";
import { type Content, MatrixError } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { ActionEffects } from "../../runtime/effect.ts";
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
    async refuse({ userId, roomId, question, text }, { signal }) {
      const content = finalContent({ question, attempt: 0, outcome: "error", text, part: 1, parts: 1 }, markdown);
      await say({ userId, roomId, cause: question.eventId, part: "final/1" }, content, signal);
    },
    async remark({ userId, roomId, to, text }, { signal }) {
      await say({ userId, roomId, cause: to.eventId, part: "remark" }, remarkContent({ to, text }), signal);
    },
    async sayCut({ userId, roomId, gap }, { signal }) {
      await say({ userId, roomId, cause: gap, part: "cut" }, cutNotice(), signal);
    },
  };

  async function say({ userId, roomId, cause, part }: Saying, content: Content, signal: AbortSignal): Promise<void> {
    const txnId = transactionId({ agent: userId, room: roomId, type: "m.room.message", cause, part });
    try {
      await sessions.as(userId).at("answer").send(roomId, "m.room.message", txnId, content, signal);
    } catch (error) {
      // Nobody can be told anything in a room that does not let us speak.
      if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
    }
  }
}

interface Saying {
  readonly userId: string;
  readonly roomId: string;
  readonly cause: string;
  readonly part: string;
}
