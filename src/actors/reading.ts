import { z } from "zod";
import type { MatrixEvent } from "../matrix/port.ts";

/** A message as a program reads it. */
export interface ReadMessage {
  readonly event: string;
  readonly sender: string;
  /** Ms since the epoch, by the sender's homeserver. */
  readonly at: number;
  /** `m.text`, `m.notice` … */
  readonly kind: string;
  readonly text: string;
  /** Set when the text is longer than it is given here. */
  readonly cut?: true;
  readonly edited?: true;
  readonly thread?: string;
  readonly inReplyTo?: string;
  /** The file that it shows, as whoever sent it describes that. Encrypted ones cannot be read. */
  readonly file?: { readonly address: string; readonly type?: string; readonly size?: number };
}

/** A text is cut here: a page stays small. */
const longestText = 4_000;

const relation = z.object({
  rel_type: z.string().optional().catch(undefined),
  event_id: z.string().optional().catch(undefined),
  "m.in_reply_to": z.object({ event_id: z.string() }).optional().catch(undefined),
});
const content = z.object({
  msgtype: z.string(),
  body: z.string(),
  "m.relates_to": relation.optional().catch(undefined),
  url: z.string().startsWith("mxc://").max(512).optional().catch(undefined),
  info: z
    .object({
      mimetype: z.string().max(255).optional().catch(undefined),
      size: z.number().nonnegative().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  "m.new_content": z.object({ body: z.string() }).optional().catch(undefined),
});

/** Edits take the place of what they edit, where that is on the same page; else they are shown for themselves. */
export function readable(chunk: readonly MatrixEvent[]): readonly ReadMessage[] {
  const latest = new Map<string, string>();
  const shown: ReadMessage[] = [];
  const present = new Set(chunk.map(({ eventId }) => eventId));
  for (const { eventId, sender, originServerTs, content: given } of chunk) {
    const { data } = content.safeParse(given);
    if (data === undefined) continue;
    const { "m.relates_to": relates, "m.new_content": fresh, url, info } = data;
    if (relates?.rel_type === "m.replace" && relates.event_id !== undefined && fresh !== undefined) {
      const key = JSON.stringify([relates.event_id, sender]);
      if (!latest.has(key)) latest.set(key, fresh.body);
      if (present.has(relates.event_id)) continue;
    }
    const edited = latest.get(JSON.stringify([eventId, sender]));
    const text = edited ?? fresh?.body ?? data.body;
    shown.push({
      event: eventId,
      sender,
      at: originServerTs,
      kind: data.msgtype,
      text: text.slice(0, longestText),
      ...(text.length > longestText && { cut: true as const }),
      ...(edited !== undefined && { edited: true as const }),
      ...(relates?.rel_type === "m.thread" && relates.event_id !== undefined && { thread: relates.event_id }),
      ...(relates?.["m.in_reply_to"] !== undefined && { inReplyTo: relates["m.in_reply_to"].event_id }),
      ...(url !== undefined && {
        file: {
          address: url,
          ...(info?.mimetype !== undefined && { type: info.mimetype }),
          ...(info?.size !== undefined && { size: info.size }),
        },
      }),
    });
  }
  return shown;
}
