import { beforeEach, describe, expect, test } from "vitest";
import { longestPollSilence, poll } from "../../../src/actors/agent/intake.ts";
import type { Polled, PollInput } from "../../../src/machines/agent/context.ts";
import { MatrixError, type MessagesRequest, type SyncRequest } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { settled } from "../../runtime/simulated-clock.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

const noGuests = { server: "test", people: new Set<string>(), servers: new Set<string>() };

let t: Town;
let since: string;

beforeEach(async () => {
  t = await town();
  since = `s${t.homeserver.place}`;
});

function start(rest: Partial<PollInput> = {}, options: { restarted?: boolean } = {}) {
  const context = effectContext<never>(options);
  const { userId, roomId } = t;
  const polled = poll(t.sessions, t.clock, { admins: ["@admin:test"], readers: [] }, noGuests, {
    people: new Set(["@anna:test"]),
  })({ userId, roomId, since, ...rest }, context);
  // A test that aborts it need not look at how it ends.
  polled.catch(() => undefined);
  return { polled, context };
}

function texts({ heard }: Polled): string[] {
  return heard.map((one) => (one.kind === "question" ? one.question.text : one.kind));
}

function requests<T>(call: string): T[] {
  return t.homeserver.requests.filter((one) => one.call === call).map(({ args }) => args.at(-1) as T);
}

describe("a poll", () => {
  test("is the last one where the homeserver pushes, and leaves word of that for the time when it does not any more", async () => {
    t.say("hello");
    const effect = poll(t.sessions, t.clock, { admins: [], readers: [] }, noGuests, { people: new Set() }, true);
    const polled = await effect({ userId: t.userId, roomId: t.roomId, since }, effectContext<never>());
    expect(texts(polled)).toEqual(["hello"]);
    expect(polled).toMatchObject({ pushes: true, seen: {} });
  });

  test("waits until somebody says something, and moves the cursor just past that", async () => {
    const { polled } = start();
    await t.clock.pass(40_000);
    expect(t.homeserver.count("sync")).toBe(2);
    t.say("hello");
    const result = await polled;
    expect(texts(result)).toEqual(["hello"]);
    t.say("later");
    since = result.since;
    expect(texts(await start().polled)).toEqual(["later"]);
  });

  test("#10 of an idle agent makes no other request, and does not end for its own words", async () => {
    const { context } = start();
    const before = t.homeserver.requests.length;
    t.homeserver.post(t.roomId, { sender: t.userId });
    await t.clock.pass(600_000);
    const made = t.homeserver.requests.slice(before).map(({ call }) => call);
    expect(new Set(made)).toEqual(new Set(["sync"]));
    expect(made.length).toBeLessThanOrEqual(21);
    context.abort();
  });

  test("of an idle agent gives signs of life far more often than it must", async () => {
    const { context } = start();
    for (let n = 0; n < 10; n++) {
      const before = context.beats.count;
      await t.clock.pass(longestPollSilence / 4);
      expect(context.beats.count).toBeGreaterThan(before);
    }
    context.abort();
  });

  test("that is answered at once again and again keeps a distance", async () => {
    const { context } = start();
    for (let n = 0; n < 100; n++) {
      t.homeserver.post(t.roomId, { sender: anna, content: { msgtype: "m.notice", body: "tick" } });
      await t.clock.pass(10);
    }
    expect(t.homeserver.count("sync")).toBeLessThanOrEqual(6);
    context.abort();
  });

  test.each(["M_UNKNOWN", "M_INVALID_PARAM"])(
    "whose cursor is refused with %s says that it is the cursor",
    async (errcode) => {
      const details = { remedy: "look", httpStatus: 400, errcode };
      t.homeserver.fail("sync", new MatrixError("refused", "Invalid stream token", details));
      await expect(start().polled).rejects.toMatchObject({ kind: "cursor", cause: { errcode } });
    },
  );

  test("that is refused otherwise says just that", async () => {
    t.homeserver.fail("sync", matrixError("refused"));
    await expect(start().polled).rejects.toMatchObject({ kind: "refused" });
    t.homeserver.fail("sync", matrixError("forbidden"));
    await expect(start().polled).rejects.toMatchObject({ kind: "forbidden" });
  });

  test("is not held up by a clock that is set back", async () => {
    const { polled } = start();
    await t.clock.pass(10);
    t.clock.set(-86_400_000);
    t.homeserver.post(t.roomId, { sender: anna, content: { msgtype: "m.notice", body: "tick" } });
    await t.clock.pass(1_000);
    t.say("hello");
    await t.clock.pass(1_000);
    expect(t.homeserver.count("sync")).toBe(2);
    expect(texts(await polled)).toEqual(["hello"]);
  });

  test("moves the cursor now and then past what means nothing to the agent", async () => {
    const { polled } = start();
    for (let n = 0; n < 200; n++) {
      t.homeserver.post(t.roomId, { sender: anna, content: { msgtype: "m.notice", body: "tick" } });
      await t.clock.pass(1_000);
    }
    expect(await polled).toEqual({ since: `s${t.homeserver.place}`, heard: [] });
  });

  test("after trouble ends with the first answer, also an empty one", async () => {
    const { polled } = start({ recovering: true });
    expect(await polled).toEqual({ since, heard: [] });
    expect(requests<SyncRequest>("sync").map(({ timeoutMs }) => timeoutMs)).toEqual([0]);
  });

  test("after a restart is not held at first, so that no old answer is given for it", async () => {
    const { polled } = start({}, { restarted: true });
    await t.clock.pass(1_000);
    expect(requests<SyncRequest>("sync").map(({ timeoutMs }) => timeoutMs)).toEqual([0, 30_000]);
    t.say("hello");
    expect(texts(await polled)).toEqual(["hello"]);
  });

  test("fails with what the homeserver says", async () => {
    t.homeserver.fail("sync", matrixError("token"));
    await expect(start().polled).rejects.toMatchObject({ kind: "token" });
  });

  test("leaves nothing behind when it is aborted", async () => {
    const { polled, context } = start();
    await settled();
    context.abort();
    await expect(polled).rejects.toThrow("left the state");
    expect(t.clock.pending).toBe(0);
  });
});

describe("#5 a gap", () => {
  test.each([51, 149, 150, 151, 1_234])("of %i messages is heard without hole or overlap", async (count) => {
    const bodies = Array.from({ length: count }, (_, n) => `message ${n}`);
    for (const body of bodies) t.say(body);
    const result = await start().polled;
    expect(texts(result)).toEqual(bodies);
    expect(result.since).toBe(`s${t.homeserver.place}`);
    expect(requests<MessagesRequest>("messages").every(({ to }) => to === since)).toBe(true);
  });

  test("ends at the cursor: what was heard before is not heard again", async () => {
    t.say("known");
    since = `s${t.homeserver.place}`;
    for (let n = 0; n < 60; n++) t.say("new");
    expect(texts(await start().polled)).toEqual(Array(60).fill("new"));
  });

  test("that is too long is cut, which is said before what comes after the cut", async () => {
    for (let n = 0; n < 5_200; n++) t.say(`message ${n}`);
    const result = await start().polled;
    expect(result.heard[0]).toEqual({ kind: "cut", roomId: t.roomId, gap: since });
    expect(texts(result).slice(1)).toEqual(Array.from({ length: 5_050 }, (_, n) => `message ${n + 150}`));
    expect(t.homeserver.count("messages")).toBe(50);
  });

  test("is a sign of life with each page that comes, however slowly", async () => {
    for (let n = 0; n < 1_000; n++) t.say("x");
    const { polled, context } = start();
    await polled;
    // One for the sync itself.
    expect(context.beats.count).toBe(1 + t.homeserver.count("messages"));
    expect(t.homeserver.count("messages")).toBe(10);
  });

  test("named by its cursor is the same cut when the poll runs again", async () => {
    for (let n = 0; n < 5_200; n++) t.say("x");
    const first = await start().polled;
    t.say("one more");
    const second = await start().polled;
    expect(second.heard[0]).toEqual(first.heard[0]);
  });

  test.each(["forbidden", "missing"] as const)("#18 that is %s costs other rooms nothing", async (kind) => {
    const other = t.homeserver.makeRoom(t.userId);
    for (let n = 0; n < 60; n++) t.say(`message ${n}`);
    t.homeserver.post(other, {
      sender: anna,
      content: { msgtype: "m.text", body: "hey", "m.mentions": { user_ids: [t.userId] } },
    });
    t.homeserver.fail("messages", matrixError(kind), 100, ({ args: [roomId] }) => roomId === t.roomId);
    const heard = texts(await start().polled);
    expect(heard).toEqual(["cut", ...Array.from({ length: 50 }, (_, n) => `message ${n + 10}`), "hey"]);
  });

  test("that cannot be read just now is not skipped", async () => {
    for (let n = 0; n < 60; n++) t.say("x");
    t.homeserver.fail("messages", matrixError("unreachable"));
    await expect(start().polled).rejects.toMatchObject({ kind: "unreachable" });
  });

  test.each(["unreachable", "malformed"] as const)(
    "that is %s in one room is owed, and the others are heard",
    async (kind) => {
      const other = t.homeserver.makeRoom(t.userId);
      for (let n = 0; n < 60; n++) t.say("x");
      t.homeserver.post(other, {
        sender: anna,
        content: { msgtype: "m.text", body: "hey", "m.mentions": { user_ids: [t.userId] } },
      });
      t.homeserver.fail("messages", matrixError(kind), 100, ({ args: [roomId] }) => roomId === t.roomId);
      const result = await start().polled;
      expect(texts(result)).toEqual(["hey"]);
      expect(result.unheard).toEqual([{ roomId: t.roomId, to: since }]);
    },
  );

  test("that cannot be read twice in a row is owed, so that what is said elsewhere is ever asked for", async () => {
    for (let n = 0; n < 60; n++) t.say("x");
    t.homeserver.fail("messages", matrixError("unreachable"));
    const result = await start({ recovering: true }).polled;
    expect(result).toMatchObject({ heard: [], unheard: [{ roomId: t.roomId, to: since }] });
  });

  test("of a room that is owed is left alone, and whether something is said there is told", async () => {
    const { polled } = start({ owed: [{ roomId: t.roomId, tries: 1 }] });
    t.say("", { content: { msgtype: "m.notice", body: "for nobody" } });
    await t.clock.pass(1_000);
    for (let n = 0; n < 60; n++) t.say("x");
    const result = await polled;
    expect(result).toMatchObject({ heard: [], unheard: [{ roomId: t.roomId }] });
    expect(t.homeserver.count("messages")).toBe(0);
  });
});

describe("#16 a change of the agent's own room by somebody else", () => {
  const name = { type: "m.room.name", stateKey: "", content: { name: "mine now" } };

  test("ends the poll and is told", async () => {
    const { polled } = start();
    await t.clock.pass(1_000);
    t.homeserver.post(t.roomId, { sender: anna, ...name });
    expect(await polled).toEqual({ since: `s${t.homeserver.place}`, heard: [], changed: true });
  });

  test("is told also when it was made while nobody looked, behind many messages", async () => {
    t.homeserver.post(t.roomId, { sender: anna, ...name });
    for (let n = 0; n < 120; n++) t.say(`message ${n}`);
    const result = await start().polled;
    expect(result.changed).toBe(true);
    expect(result.heard).toHaveLength(120);
  });

  test("is none when it is the agent's own, in another room, or somebody's coming and going", async () => {
    const { polled } = start();
    const elsewhere = t.homeserver.makeRoom(anna);
    t.homeserver.setMember(elsewhere, t.userId, "join");
    t.homeserver.post(t.roomId, { sender: t.userId, ...name });
    t.homeserver.post(elsewhere, { sender: anna, ...name });
    t.homeserver.setMember(t.roomId, anna, "leave");
    await t.clock.pass(5_000);
    t.homeserver.setMember(t.roomId, anna, "join", t.userId);
    t.say("hello");
    expect((await polled).changed).toBeUndefined();
  });

  test("is told when it is the agent that was taken out, or let in again", async () => {
    t.homeserver.setMember(t.roomId, t.userId, "leave", anna);
    const out = await start().polled;
    expect(out.changed).toBe(true);
    since = out.since;
    t.homeserver.setMember(t.roomId, t.userId, "invite", anna);
    expect((await start().polled).changed).toBe(true);
  });

  test("#12 is told when one of the core users left", async () => {
    const { polled } = start();
    t.homeserver.setMember(t.roomId, "@admin:test", "leave");
    expect((await polled).changed).toBe(true);
  });
});
