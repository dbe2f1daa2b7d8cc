import type { IncomingMessage } from "node:http";

/** More bytes than are held for anybody. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
  readonly remedy =
    "Look at what pushes there: a homeserver's transactions have a hundred events of 64 KB at most. Else please report it.";

  constructor(mostBytes: number) {
    super(`this is more than a transaction can be, which is ${mostBytes / 1_048_576} MB`);
  }
}

/** A request's body as text. Rejects with {@link BodyTooLarge}, or when the connection is cut. */
export async function bodyOf(request: IncomingMessage, mostBytes: number): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > mostBytes) throw new BodyTooLarge(mostBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > mostBytes) throw new BodyTooLarge(mostBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
