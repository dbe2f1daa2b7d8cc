import { ClientServerHomeserver } from "../../../src/matrix/client-server.ts";
import { call, type Raw } from "./call.ts";
import { serve } from "./serve.ts";

/** The floor: a loop on node:http that makes the same requests for each message and keeps nothing. */

serve(async ({ baseUrl, serverName, secret, human }) => {
  const homeserver = new ClientServerHomeserver({
    baseUrl,
    serverName,
    registration: { kind: "shared-secret", secret },
  });
  const signal = AbortSignal.timeout(60_000);
  const account = { localpart: "raw", password: "only-for-this-bench", deviceId: "RAW" };
  const credentials = await homeserver.register(account, signal);
  const create = { aliasLocalpart: "raw", name: "raw", invite: [human] };
  const roomId = await homeserver.as(credentials).createRoom(create, signal);
  void loop({ baseUrl, token: credentials.accessToken }, credentials.userId, roomId);
  return roomId;
});

async function loop(raw: Raw, self: string, roomId: string): Promise<never> {
  const room = `/rooms/${encodeURIComponent(roomId)}`;
  const filter = encodeURIComponent(
    JSON.stringify({
      presence: { types: [] },
      account_data: { types: [] },
      room: {
        account_data: { types: [] },
        ephemeral: { types: [] },
        state: { types: [] },
        timeline: { types: ["m.room.message"], limit: 50, not_senders: [self] },
      },
    }),
  );
  let since = String((await call(raw, "GET", `/sync?filter=${filter}&timeout=0`))["next_batch"]);
  for (let n = 0; ; ) {
    const response = await call(raw, "GET", `/sync?filter=${filter}&timeout=30000&since=${since}&set_presence=offline`);
    since = String(response["next_batch"]);
    for (const { event_id, content, sender } of timelineOf(response, roomId)) {
      void call(raw, "POST", `${room}/receipt/m.read/${encodeURIComponent(event_id)}`, {});
      const body = `You said: ${content.body}`;
      await call(raw, "PUT", `${room}/send/m.room.message/raw-${n++}`, {
        msgtype: "m.text",
        body,
        "m.mentions": { user_ids: [sender] },
        "m.relates_to": { "m.in_reply_to": { event_id } },
        "io.letta_matrix.turn": {
          cause: event_id,
          attempt: 1,
          part: 1,
          parts: 1,
          final: true,
          outcome: "answer",
          hops: 0,
        },
      });
    }
  }
}

interface RawEvent {
  readonly event_id: string;
  readonly sender: string;
  readonly content: { readonly body: string };
}

/** A floor checks nothing: it reads the answer as it expects it. */
function timelineOf(response: Record<string, unknown>, roomId: string): readonly RawEvent[] {
  const rooms = response["rooms"] as { join?: Record<string, { timeline: { events: RawEvent[] } }> } | undefined;
  return rooms?.join?.[roomId]?.timeline.events ?? [];
}
