import { expect, it } from "vitest";
import { z } from "zod";
import { ask, never, newRoom, newUser, type ServerUnderContract, sendText } from "./server.ts";

/** What the port gives to be shown, and never shows itself. */
export function signsContract(server: () => ServerUnderContract): void {
  it("shows the others who is typing and what was read", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(user, other);
    const eventId = await sendText(other, room, "read me");
    await user.client.typing(room, true, 30_000, never);
    await user.client.receipt(room, eventId, never);
    const seen = await ask(server(), other, "GET", "/sync?timeout=0");
    expect(JSON.stringify(seen.answer)).toContain(`{"type":"m.typing","content":{"user_ids":["${user.userId}"]}}`);
    expect(JSON.stringify(seen.answer)).toContain(`{"${eventId}":{"m.read":{"${user.userId}":`);
    await user.client.typing(room, false, 30_000, never);
    const { next_batch: since } = z.object({ next_batch: z.string() }).parse(seen.answer);
    const stopped = await ask(server(), other, "GET", `/sync?timeout=0&since=${since}`);
    expect(JSON.stringify(stopped.answer)).toContain('{"type":"m.typing","content":{"user_ids":[]}}');
  });
}
