import { z } from "zod";
import type { conversationMachine } from "../../machines/conversation/index.ts";
import { type Content, type MatrixClient, MatrixError, type MatrixEvent } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { ActionEffects, EffectContext } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";
import { cutNotice, finalContent, remarkContent } from "./content.ts";
import { isFinalOf } from "./find-answered.ts";
import type { Markdown } from "./markdown.ts";
import { pastOf } from "./room-past.ts";

type Sayings = Required<Pick<ActionEffects<typeof conversationMachine>, "refuse" | "remark" | "sayCut">>;

export interface SayDependencies {
  readonly sessions: Sessions;
  readonly markdown: Markdown;
}

/** Pages of a room that are looked through, of 100 events each. */
const longestSearch = 200;

/**
 * What a conversation says outside its turns. Each is named by its cause, and so said once. What an earlier process may
 * have said is looked for in the room: it may be too long ago for the homeserver to know it by its name.
 */
export function sayings({ sessions, markdown }: SayDependencies): Sayings {
  return {
    async refuse({ userId, roomId, question, text }, context) {
      const content = finalContent({ question, attempt: 0, outcome: "error", text, part: 1, parts: 1 }, markdown);
      const isSaid = (event: MatrixEvent): boolean => isFinalOf(event, question);
      await say({ userId, roomId, cause: question.eventId, part: "final/1", isSaid }, content, context);
    },
    async remark({ userId, roomId, to, text }, context) {
      const content = remarkContent({ to, text });
      const isSaid = (event: MatrixEvent): boolean => isNotice(event, text) && answeredBy(event) === to.eventId;
      await say({ userId, roomId, cause: to.eventId, part: "remark", isSaid }, content, context);
    },
    async sayCut({ userId, roomId, gap }, context) {
      const content = cutNotice();
      const isSaid = (event: MatrixEvent): boolean => isNotice(event, content["body"]);
      // An older one tells of another gap.
      await say({ userId, roomId, cause: gap, part: "cut", isSaid, pages: 1 }, content, context);
    },
  };

  async function say(
    { userId, roomId, cause, part, ...saying }: Saying,
    content: Content,
    { restarted, signal }: SayContext,
  ): Promise<void> {
    const txnId = transactionId({ agent: userId, room: roomId, type: "m.room.message", cause, part });
    const client = sessions.as(userId).at("answer");
    try {
      if (restarted && (await stands(client, roomId, { cause, ...saying }, signal))) return;
      await client.send(roomId, "m.room.message", txnId, content, signal);
    } catch (error) {
      // Nobody can be told anything in a room that does not let us speak.
      if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
    }
  }
}

type SayContext = Pick<EffectContext, "restarted" | "signal">;

interface Saying {
  readonly userId: string;
  readonly roomId: string;
  readonly cause: string;
  readonly part: string;
  /** Whether an event of the agent's is it. */
  readonly isSaid: (event: MatrixEvent) => boolean;
  /** How far it is looked for. Default: {@link longestSearch}. */
  readonly pages?: number;
}

async function stands(
  client: MatrixClient,
  roomId: string,
  { cause, isSaid, pages = longestSearch }: Pick<Saying, "cause" | "isSaid" | "pages">,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const chunk of pastOf(client, roomId, pages, signal)) {
    if (chunk.some((event) => event.sender === client.userId && isSaid(event))) return true;
    if (chunk.some(({ eventId }) => eventId === cause)) return false;
  }
  return false;
}

function isNotice({ content }: MatrixEvent, body: unknown): boolean {
  return content["msgtype"] === "m.notice" && content["body"] === body;
}

const reply = z.object({ "m.relates_to": z.object({ "m.in_reply_to": z.object({ event_id: z.string() }) }) });

function answeredBy({ content }: MatrixEvent): string | undefined {
  return reply.safeParse(content).data?.["m.relates_to"]["m.in_reply_to"].event_id;
}
