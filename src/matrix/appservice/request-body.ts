import type { IncomingMessage } from "node:http";

/** More bytes than are held for anybody. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/** A request's body as text. Rejects with {@link BodyTooLarge}, or when the connection is cut. */
export async function bodyOf(request: IncomingMessage, mostBytes: number): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > mostBytes) throw new BodyTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > mostBytes) throw new BodyTooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
