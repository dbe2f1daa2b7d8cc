import type { PushedEvent } from "../../../src/matrix/port.ts";

let eventIds = 0;

/** What somebody says, each time another event. */
export function said(roomId: string, body = "hello", rest: Partial<PushedEvent> = {}): PushedEvent {
  return {
    eventId: `$${++eventIds}`,
    roomId,
    type: "m.room.message",
    sender: "@anna:test",
    content: { msgtype: "m.text", body },
    originServerTs: 1,
    ...rest,
  };
}

export function member(roomId: string, stateKey: string, membership: string, sender = "@anna:test"): PushedEvent {
  return said(roomId, "", { type: "m.room.member", stateKey, sender, content: { membership } });
}

export function takingBack(roomId: string, { eventId: redacts }: PushedEvent): PushedEvent {
  return said(roomId, "", { type: "m.room.redaction", content: {}, redacts });
}

export const mention = (userId: string) => ({
  content: { msgtype: "m.text", body: "hi", "m.mentions": { user_ids: [userId] } },
});
export const transaction = (...events: PushedEvent[]) => ({ txnId: "1", events });

/** Of what was made last. */
export function newestId(): string {
  return `$${eventIds}`;
}
