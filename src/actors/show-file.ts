import type { Content, MatrixClient, MediaFile } from "../matrix/port.ts";
import { transactionId } from "../matrix/transaction-id.ts";

export interface ShownFile extends MediaFile {
  readonly kind: "m.image" | "m.audio" | "m.video" | "m.file";
  readonly caption?: string;
  /** The first event of the thread that it belongs into. */
  readonly thread?: string;
  /** What tells other agents who shows it. */
  readonly marks: Content;
  /** What it is shown for: for the same cause one message is made. */
  readonly cause: string;
}

/** Uploads a file, and shows it in a room. */
export async function showFile(
  client: MatrixClient,
  room: string,
  { name, contentType, bytes, kind, caption = name, thread, marks, cause }: ShownFile,
  signal: AbortSignal,
): Promise<{ readonly event: string; readonly file: string }> {
  const file = await client.upload({ name, contentType, bytes }, signal);
  const content = {
    msgtype: kind,
    body: caption,
    filename: name,
    url: file,
    info: { mimetype: contentType, size: bytes.length },
    "m.mentions": {},
    ...(thread !== undefined && { "m.relates_to": { rel_type: "m.thread", event_id: thread } }),
    ...marks,
  };
  const type = "m.room.message";
  const txnId = transactionId({ agent: client.userId, room, type, cause, part: "file" });
  return { event: await client.send(room, type, txnId, content, signal), file };
}
