import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { SyncFilter } from "../../../src/matrix/port.ts";
import {
  bodies,
  fill,
  history,
  messagesOnly,
  never,
  newRoom,
  newUser,
  type PortUnderContract,
  roomIn,
  sendText,
  syncNow,
  type User,
} from "./server.ts";

/** Some servers answer at once for reasons that the filter hides; the cursor moves on. */
async function settled(user: User, filter?: SyncFilter): Promise<string> {
  let since: string | undefined;
  for (let looks = 0; looks < 4; looks++) since = (await syncNow(user, since, filter)).nextBatch;
  return since ?? "";
}

export function syncingContract(server: () => PortUnderContract): void {
  it("gives the rooms, and of them what the filter names", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    await user.client.sendState(room, "io.test.state", "key", { n: 1 }, never);
    await sendText(user, room, "hello");
    await user.client.send(room, "io.test.other", randomUUID(), {}, never);
    const response = await syncNow(user, undefined, { ...messagesOnly, stateTypes: ["io.test.state"] });
    expect(response).toMatchObject({ invited: [], left: [] });
    expect(response.joined).toHaveLength(1);
    const { timeline, state } = roomIn(response, room);
    expect(timeline).toMatchObject([{ type: "m.room.message", sender: user.userId, content: { body: "hello" } }]);
    expect(timeline[0]).not.toHaveProperty("stateKey");
    expect(timeline[0]?.originServerTs).toBeGreaterThan(1_600_000_000_000);
    expect(state).toMatchObject([{ type: "io.test.state", stateKey: "key", content: { n: 1 } }]);
  });

  it("gives after a cursor what came after it, once", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(user, other);
    await sendText(other, room, "before");
    const first = await syncNow(user);
    await sendText(other, room, "after 1");
    await sendText(other, room, "after 2");
    const second = await syncNow(user, first.nextBatch);
    expect(bodies(roomIn(second, room).timeline)).toEqual(["after 1", "after 2"]);
    expect(roomIn(second, room).limited).toBe(false);
    expect((await syncNow(user, second.nextBatch)).joined).toEqual([]);
    expect(bodies(roomIn(await syncNow(user, first.nextBatch), room).timeline)).toEqual(["after 1", "after 2"]);
  });

  it("holds a poll until something happens, and ends it empty when nothing does", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(user, other);
    const since = await settled(user);

    const started = performance.now();
    const woken = user.client.sync({ since, timeoutMs: 20_000, filter: messagesOnly }, never);
    await sendText(other, room, "wake up");
    const response = await woken;
    expect(bodies(roomIn(response, room).timeline)).toEqual(["wake up"]);
    expect(performance.now() - started).toBeLessThan(15_000);

    const quiet = { since: response.nextBatch, timeoutMs: 300, filter: messagesOnly };
    expect((await user.client.sync(quiet, never)).joined).toEqual([]);
  });

  it("leaves out whom the filter excludes, and does not end a poll for them", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(user, other);
    const filter = { ...messagesOnly, notSenders: [user.userId] };
    const since = await settled(user, filter);
    const poll = user.client.sync({ since, timeoutMs: 20_000, filter }, never);
    await sendText(user, room, "mine");
    await sendText(other, room, "theirs");
    expect(bodies(roomIn(await poll, room).timeline)).toEqual(["theirs"]);
  });

  it("marks a timeline that was cut, and /messages has the rest without a gap or an overlap", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(user, other);
    await sendText(other, room, "seen before");
    const { nextBatch: since } = await syncNow(user);
    const texts = Array.from({ length: 25 }, (_, n) => `message ${n}`);
    for (const text of texts) await sendText(other, room, text);

    const cut = roomIn(await syncNow(user, since, { ...messagesOnly, timelineLimit: 5 }), room);
    expect(cut.limited).toBe(true);
    expect(bodies(cut.timeline)).toEqual(texts.slice(-5));
    const rest = await fill(user, cut, since, 7);
    expect(bodies(rest)).toEqual(texts.slice(0, -5));
  });

  it("leaves no gap where most of what happened is not what the filter names", async () => {
    const [user, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(user, other);
    await sendText(other, room, "seen before");
    const { nextBatch: since } = await syncNow(user);
    const texts = Array.from({ length: 12 }, (_, n) => `message ${n}`);
    for (const text of texts) {
      await sendText(other, room, text);
      const noise = Array.from({ length: 12 }, () => randomUUID());
      await Promise.all(noise.map((txnId) => other.client.send(room, "io.test.noise", txnId, {}, never)));
    }
    const cut = roomIn(await syncNow(user, since, { ...messagesOnly, timelineLimit: 10 }), room);
    const rest = cut.limited ? await fill(user, cut, since, 20) : [];
    // Synapse's prev_batch may then lie behind the first events of the timeline: they come twice, none is missing.
    const all = new Map([...rest, ...cut.timeline].map((event) => [event.eventId, event]));
    expect(bodies([...all.values()])).toEqual(texts);
  });

  it("names invitations with their inviter, and rooms that were left", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const { nextBatch: start } = await syncNow(guest);
    const room = await newRoom(owner);
    await owner.client.invite(room, guest.userId, never);
    const invited = await syncNow(guest, start);
    expect(invited).toMatchObject({ joined: [], invited: [{ roomId: room, inviter: owner.userId }], left: [] });

    await guest.client.join(room, never);
    const joined = await syncNow(guest, invited.nextBatch, { ...messagesOnly, timelineTypes: ["m.room.member"] });
    expect(joined.invited).toEqual([]);
    expect(roomIn(joined, room).timeline.at(-1)).toMatchObject({
      type: "m.room.member",
      sender: guest.userId,
      stateKey: guest.userId,
      content: { membership: "join" },
    });

    await server().putOut("kick", guest, owner, room);
    expect(await syncNow(guest, joined.nextBatch)).toMatchObject({ joined: [], left: [room] });
  });

  it("stops a poll when it is told to, and sends nothing when it was told before", async () => {
    const user = await newUser(server());
    const { nextBatch: since } = await syncNow(user);
    const stopping = new AbortController();
    const reason = new Error("the agent stops");
    const poll = user.client.sync({ since, timeoutMs: 30_000, filter: messagesOnly }, stopping.signal);
    stopping.abort(reason);
    await expect(poll).rejects.toBe(reason);

    const room = await newRoom(user);
    const stopped = AbortSignal.abort();
    const late = user.client.send(room, "m.room.message", "late", { body: "late" }, stopped);
    await expect(late).rejects.toMatchObject({ name: "AbortError" });
    expect(await history(user, room, ["m.room.message"])).toEqual([]);
  });
}
