import { beforeEach, describe, expect, test } from "vitest";
import { Markdown } from "../../src/actors/conversation/markdown.ts";
import { transactionMarker } from "../../src/actors/marker.ts";
import { outboxBehaviour } from "../../src/actors/outbox/behaviour.ts";
import { NotDone, RoomBusy, run, type Wish } from "../../src/commands/messages/errand.ts";
import { KeyForgotten, KeyTaken } from "../../src/commands/messages/naming.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { longestTried, mostQueued } from "../../src/machines/outbox.ts";
import type { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { StoreFailed } from "../../src/runtime/embedded/store.ts";
import { HostStopped, MailboxFull } from "../../src/runtime/host.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { type MemoryHost, memoryHost } from "../runtime/memory-host.ts";
import { type Town, town } from "./town.ts";

const server = "test";
const { signal } = new AbortController();

let place: Town;
let memory: MemoryHost;
let host: EmbeddedHost;

beforeEach(async () => {
  place = await town();
  memory = await begin();
});

/** The next life of the process, on what the last one has written. */
async function begin(database?: MemoryHost["database"]): Promise<MemoryHost> {
  const behaviours = [
    outboxBehaviour({
      sessions: place.sessions,
      markdown: new Markdown(),
      botUserId: "@letta-matrix:test",
      hostOf: async () => undefined,
    }),
  ];
  const { clock } = place;
  const begun = await memoryHost({ behaviours, clock, ...(database !== undefined && { database }) });
  ({ host } = begun);
  return begun;
}

function wish(key: string, what: Wish["what"] = { kind: "message", text: `text ${key}` }): Wish {
  return { userId: place.userId, roomId: place.roomId, key, deed: JSON.stringify(what), what };
}

/** Lets time pass until the call has ended. */
async function settled<T>(call: Promise<T>): Promise<T> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  call.then(end, end);
  for (let turn = 0; !isOver && turn < 500; turn++) await place.clock.pass(100);
  return call;
}

const send = (given: Wish) => settled(run(given, { host, server }, { signal }));

function said(): readonly string[] {
  const { events } = place.homeserver.room(place.roomId);
  return events.flatMap(({ type, content }) => (type === "m.room.message" ? [String(content["body"])] : []));
}

describe("what a program has an agent say", () => {
  test("stands in the room as its own user's, and the caller is told the event", async () => {
    const { state, events } = await send(wish("a", { kind: "message", text: "**hello**", mentions: ["@anna:test"] }));
    const event = place.homeserver.room(place.roomId).events.at(-1);
    expect([state, events]).toEqual(["done", [event?.eventId]]);
    expect(event).toMatchObject({
      sender: place.userId,
      content: {
        msgtype: "m.text",
        body: "**hello**",
        formatted_body: "<p><strong>hello</strong></p>",
        "m.mentions": { user_ids: ["@anna:test"] },
        [transactionMarker]: expect.any(String),
      },
    });
  });

  test("stands there once, however often it is asked for under one key", async () => {
    const first = await send(wish("a"));
    expect(await send(wish("a"))).toEqual(first);
    memory = await begin(memory.database);
    expect(await send(wish("a"))).toEqual(first);
    expect(said()).toEqual(["text a"]);
  });

  test("#9 200 at the same moment are 200 events, in the order in which they were taken", async () => {
    const keys = Array.from({ length: 200 }, (_, n) => `${n}`);
    const all = await settled(Promise.all(keys.map((key) => run(wish(key), { host, server }, { signal }))));
    expect(new Set(all.flatMap(({ events }) => events)).size).toBe(200);
    expect(said()).toEqual(keys.map((key) => `text ${key}`));
  });

  test("is accepted while the homeserver is away, and arrives once and in order when it is back", async () => {
    place.homeserver.fail("send", matrixError("unreachable"), 6);
    expect(await send(wish("a"))).toEqual({ state: "accepted", events: [], key: "a" });
    expect((await send(wish("b"))).state).toBe("accepted");
    await place.clock.pass(200_000);
    expect(said()).toEqual(["text a", "text b"]);
    expect(await send(wish("a"))).toMatchObject({ state: "done", events: [expect.stringMatching(/^\$/)] });
  });

  test.each([
    ["the store fails", new StoreFailed("the disk is full")],
    ["there is no place in its mailbox", new MailboxFull("full")],
    ["the process ends", new HostStopped("it ends")],
  ])("is accepted, not refused, when %s right after it was written down", async (_, error) => {
    let isFailing = false;
    const failing: Pick<EmbeddedHost, "accept" | "ask" | "read"> = {
      async accept(...given) {
        await host.accept(...given);
        isFailing = true;
      },
      read(id) {
        if (isFailing) throw error;
        return host.read(id);
      },
      ask: () => Promise.reject(error),
    };
    const call = run(wish("a"), { host: failing, server }, { signal });
    expect(await settled(call)).toEqual({ state: "accepted", events: [], key: "a" });
    await place.clock.pass(1_000);
    expect(said()).toEqual(["text a"]);
  });

  test("#8 stands there once when the homeserver took it and the answer was lost", async () => {
    place.homeserver.loseAnswers("send");
    const { events } = await send(wish("a"));
    expect(events).toHaveLength(1);
    expect(said()).toEqual(["text a"]);
  });

  test("survives the end of the process before it was sent", async () => {
    place.homeserver.fail("send", matrixError("unreachable"), 1);
    const call = run(wish("a"), { host, server }, { signal }).catch(() => undefined);
    await place.clock.pass(10);
    await host.drain(0);
    memory = await begin(memory.database);
    await place.clock.pass(200_000);
    await call;
    expect(said()).toEqual(["text a"]);
  });

  test("a file that was uploaded is shown once, over the end of the process, too", async () => {
    const file = { file: "mxc://test/map", name: "map.png", contentType: "image/png", size: 9 };
    const shown = wish("map", { kind: "file", ...file, shownAs: "m.image" });
    place.homeserver.fail("send", matrixError("unreachable"), 2);
    await host.accept(addressOf.outbox(server, place.userId, place.roomId), {
      type: "SEND",
      errand: { key: shown.key, what: shown.what },
    });
    await place.clock.pass(10);
    await host.drain(0);
    memory = await begin(memory.database);
    await place.clock.pass(200_000);
    const { events } = place.homeserver.room(place.roomId);
    expect(events.filter(({ content }) => content["url"] === file.file)).toHaveLength(1);
  });

  test("#18 that the room does not take holds up nothing, and the caller is told why", async () => {
    place.homeserver.fail("send", matrixError("forbidden"), 1);
    await expect(send(wish("a"))).rejects.toThrow(NotDone);
    await expect(send(wish("a"))).rejects.toMatchObject({ kind: "forbidden", remedy: "do something about it" });
    await send(wish("b"));
    expect(said()).toEqual(["text b"]);
  });

  test("is given up after a day, and what follows is sent", async () => {
    const isFirst = ({ args }: { readonly args: readonly unknown[] }) => JSON.stringify(args).includes("text a");
    place.homeserver.fail("send", matrixError("unreachable"), 10_000, isFirst);
    await send(wish("a"));
    await send(wish("b"));
    place.clock.sleep(longestTried);
    await place.clock.pass(1_000);
    expect(said()).toEqual(["text b"]);
    await expect(send(wish("a"))).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("is refused when too much waits already, and then none of it was taken", async () => {
    place.homeserver.fail("send", matrixError("unreachable"), 10_000);
    for (let n = 0; n < mostQueued; n++) {
      const errand = { key: `${n}`, what: wish(`${n}`).what };
      await host.accept(addressOf.outbox(server, place.userId, place.roomId), { type: "SEND", errand }, { id: `${n}` });
    }
    await expect(send(wish("late"))).rejects.toThrow(RoomBusy);
  });

  test("is not refused for that where it waits, or was said, already", async () => {
    const first = await send(wish("first"));
    place.homeserver.fail("send", matrixError("unreachable"), 10_000);
    for (let n = 0; n < mostQueued; n++) {
      const errand = { key: `${n}`, what: wish(`${n}`).what };
      await host.accept(addressOf.outbox(server, place.userId, place.roomId), { type: "SEND", errand }, { id: `${n}` });
    }
    expect(await send(wish("7"))).toMatchObject({ state: "accepted" });
    expect(await send(wish("first"))).toEqual(first);
  });

  test("becomes several messages where it is long", async () => {
    const text = "word ".repeat(30_000);
    const { events } = await send(wish("a", { kind: "message", text }));
    expect(events.length).toBeGreaterThan(2);
    expect(said().join(" ").split(" ").filter(Boolean)).toHaveLength(30_000);
  });
});

describe("a key", () => {
  const other: Wish["what"] = { kind: "redaction", event: "$a" };

  test("is for one deed: another one is refused, and not done, also over the end of the process", async () => {
    const first = await send(wish("a"));
    for (const what of [other, { kind: "message" as const, text: "something else" }])
      await expect(send(wish("a", what))).rejects.toThrow(KeyTaken);
    memory = await begin(memory.database);
    await expect(send(wish("a", other))).rejects.toThrow(KeyTaken);
    expect(await send(wish("a"))).toEqual(first);
    expect(said()).toEqual(["text a"]);
  });

  test("is for one deed also while that waits, and where two come at the same moment", async () => {
    place.homeserver.fail("send", matrixError("unreachable"), 6);
    const both = [wish("a"), wish("a", other)].map((one) => run(one, { host, server }, { signal }));
    const [first, second] = await settled(Promise.allSettled(both));
    expect(first).toMatchObject({ status: "fulfilled", value: { state: "accepted" } });
    expect(second).toMatchObject({ status: "rejected", reason: { name: "KeyTaken" } });
    await expect(send(wish("a", other))).rejects.toThrow(KeyTaken);
    await place.clock.pass(200_000);
    expect(said()).toEqual(["text a"]);
  });

  test("of a deed that was refused is for that one, too", async () => {
    place.homeserver.fail("send", matrixError("forbidden"), 1);
    await expect(send(wish("a"))).rejects.toThrow(NotDone);
    await expect(send(wish("a", other))).rejects.toThrow(KeyTaken);
  });

  test("that an earlier version has written down is known again", async () => {
    const errand = { key: "a", what: wish("a").what };
    await host.accept(addressOf.outbox(server, place.userId, place.roomId), { type: "SEND", errand }, { id: "a" });
    expect(await send(wish("a"))).toMatchObject({ state: "done", events: [expect.stringMatching(/^\$/)] });
    expect(said()).toEqual(["text a"]);
  });

  test("of which too much came after is answered neither as done nor by doing it again", async () => {
    await send(wish("a"));
    place.homeserver.fail("send", matrixError("forbidden"), 1);
    await expect(send(wish("b"))).rejects.toThrow(NotDone);
    for (let n = 0; n < 50; n++) await send(wish(`${n}`));
    const before = said();
    await expect(send(wish("a"))).rejects.toThrow(KeyForgotten);
    await expect(send(wish("b"))).rejects.toThrow(KeyForgotten);
    expect(said()).toEqual(before);
  });
});

describe("a message with long mentions", () => {
  test("is refused for good, and holds up nothing, where they leave no room for the text", async () => {
    const mentions = Array.from({ length: 50 }, (_, n) => `@${"m".repeat(1_000)}${n}:test`);
    await expect(send(wish("a", { kind: "message", text: "hello", mentions }))).rejects.toMatchObject({
      kind: "too-large",
    });
    await send(wish("b"));
    expect(said()).toEqual(["text b"]);
  });

  test("becomes a few messages, however long its text, with as many mentions as may be: whoever hears by them hears all of it", async () => {
    const mentions = Array.from({ length: 50 }, (_, n) => `@${"m".repeat(247)}${n + 10}:test`);
    const { events } = await send(wish("a", { kind: "message", text: "x".repeat(200_000), mentions }));
    expect(events.length).toBeLessThan(8);
    const parts = place.homeserver.room(place.roomId).events.slice(-events.length);
    for (const { content } of parts) expect(content["m.mentions"]).toEqual({ user_ids: mentions });
  });
});

describe("besides messages", () => {
  test("an answer, an edit, a sign and a redaction are about the event that they name", async () => {
    const asked = place.say("question");
    const [answer = ""] = (await send(wish("a", { kind: "message", text: "yes", inReplyTo: asked.eventId }))).events;
    await send(wish("b", { kind: "edit", event: answer, text: "no" }));
    await send(wish("c", { kind: "reaction", event: asked.eventId, sign: "👍" }));
    const events = place.homeserver.room(place.roomId).events.slice(-3);
    expect(events.map(({ type, content }) => [type, content["m.relates_to"]])).toEqual([
      ["m.room.message", { "m.in_reply_to": { event_id: asked.eventId } }],
      ["m.room.message", { rel_type: "m.replace", event_id: answer }],
      ["m.reaction", { rel_type: "m.annotation", event_id: asked.eventId, key: "👍" }],
    ]);
    expect(await send(wish("d", { kind: "redaction", event: answer }))).toMatchObject({ events: [answer] });
    expect(place.homeserver.room(place.roomId).events.find(({ eventId }) => eventId === answer)?.content).toEqual({});
  });
});
