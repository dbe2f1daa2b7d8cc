import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { AppserviceHomeserver } from "../../../src/matrix/appservice/homeserver.ts";
import { call, type Raw } from "./call.ts";
import { serve } from "./serve.ts";

/** The floor where the homeserver pushes: makes the same requests for each message, takes each at its word, keeps nothing. */

interface RawEvent {
  readonly event_id: string;
  readonly room_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: { readonly body: string };
}

serve(async ({ baseUrl, serverName, human, pushes }) => {
  if (pushes === undefined) throw new Error("this subject is pushed to");
  const { asToken, listen } = pushes;
  const homeserver = new AppserviceHomeserver({ baseUrl, serverName, asToken });
  const signal = AbortSignal.timeout(60_000);
  const account = { localpart: "agent_raw", password: "", deviceId: "RAW" };
  const credentials = await homeserver.register(account, signal);
  const create = { aliasLocalpart: "agent_raw", name: "raw", invite: [human] };
  const roomId = await homeserver.as(credentials).createRoom(create, signal);
  const { userId, deviceId } = credentials;
  const raw = { baseUrl, token: asToken };
  const as = `user_id=${encodeURIComponent(userId)}&device_id=${encodeURIComponent(deviceId)}`;
  let sent = 0;
  const server = createServer(async (request, response) => {
    const events = await eventsOf(request);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    for (const event of events)
      if (event.type === "m.room.message" && event.sender !== userId && event.room_id === roomId)
        await answer(raw, event, as, sent++);
  });
  const [host, port] = listen.split(":");
  await new Promise<void>((resolve) => server.listen(Number(port), host, resolve));
  return roomId;
});

/** A floor checks nothing: it reads what is pushed as it expects it. */
async function eventsOf(request: IncomingMessage): Promise<readonly RawEvent[]> {
  const { events = [] } = (await json(request)) as { events?: readonly RawEvent[] };
  return events;
}

async function answer(raw: Raw, { event_id, room_id, sender, content }: RawEvent, as: string, n: number) {
  const room = `/rooms/${encodeURIComponent(room_id)}`;
  void call(raw, "POST", `${room}/receipt/m.read/${encodeURIComponent(event_id)}?${as}`, {});
  await call(raw, "PUT", `${room}/send/m.room.message/raw-${n}?${as}`, {
    msgtype: "m.text",
    body: `You said: ${content.body}`,
    "m.mentions": { user_ids: [sender] },
    "m.relates_to": { "m.in_reply_to": { event_id } },
    "io.letta_matrix.turn": { cause: event_id, attempt: 1, part: 1, parts: 1, final: true, outcome: "answer", hops: 0 },
  });
}
