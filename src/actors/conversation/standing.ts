import { z } from "zod";
import type { TurnInput } from "../../machines/conversation/context.ts";
import type { MatrixClient, MatrixEvent } from "../../matrix/port.ts";
import { turnMarkOf } from "../marker.ts";
import { pastOf } from "./room-past.ts";
import type { RoomTurn } from "./room-turn.ts";

/** What of the answer to one question stands in the room already. */
export interface Standing {
  readonly draft?: string;
  /** Numbers of the parts of the final. */
  readonly parts: ReadonlySet<number>;
}

/** Homeservers remember a transaction id for a day; what is older is looked for in the room. */
const remembered = 20 * 3_600_000;
/** Pages that are searched, of 100 events each. */
const longestSearch = 200;

const nothing: Standing = { parts: new Set() };

/**
 * Looks into the room for what sending again would double: only what is too old to be known to the homeserver by its
 * transaction id, or may have been sent at a time that is not known here.
 */
export async function standingIn(
  client: MatrixClient,
  { roomId, turn }: TurnInput,
  now: number,
  signal: AbortSignal,
): Promise<Standing> {
  const { question, answeredAt = now, draft, drafting } = turn;
  const isAnswerOld = now - answeredAt > remembered;
  const isDraftOld = drafting && draft === undefined && now - question.sentAt > remembered;
  if (!isAnswerOld && !isDraftOld && question.maybeAsked !== true) return nothing;
  const parts = new Set<number>();
  let found: string | undefined;
  for await (const chunk of pastOf(client, roomId, longestSearch, signal)) {
    for (const event of chunk) {
      const mark = event.sender === client.userId ? turnMarkOf(event.content) : undefined;
      if (mark?.cause !== question.eventId || mark.retry !== question.retry) continue;
      if (mark.outcome !== undefined) parts.add(mark.part);
      else if (!isEdit(event)) found = event.eventId;
    }
    if (chunk.some(({ eventId }) => eventId === question.eventId)) break;
  }
  return { ...(found !== undefined && { draft: found }), parts };
}

/** Sends the first draft, unless one stands there that an earlier store knew of. */
export async function beginDraft(
  room: RoomTurn,
  input: TurnInput,
  text: string,
  now: number,
  signal: AbortSignal,
): Promise<string> {
  return (await standingIn(room.client, input, now, signal)).draft ?? (await room.sendDraft(text));
}

const edit = z.object({ "m.relates_to": z.object({ rel_type: z.literal("m.replace") }) });

function isEdit({ content }: MatrixEvent): boolean {
  return edit.safeParse(content).success;
}
