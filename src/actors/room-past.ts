import type { MatrixClient, MatrixEvent, MessagesRequest, MessagesResponse } from "../matrix/port.ts";

/** What was said in a room, the newest first, at most `mostPages` of 100 events each. */
export async function* pastOf(
  client: MatrixClient,
  roomId: string,
  mostPages: number,
  signal: AbortSignal,
): AsyncGenerator<readonly MatrixEvent[]> {
  let from: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const request: MessagesRequest = {
      dir: "b",
      limit: 100,
      types: ["m.room.message"],
      ...(from !== undefined && { from }),
    };
    const { chunk, end }: MessagesResponse = await client.messages(roomId, request, signal);
    yield chunk;
    if (end === undefined || end === from) return;
    from = end;
  }
}
