import { beforeEach, describe, expect, test } from "vitest";
import { catchUp } from "../../../src/actors/agent/intake.ts";
import type { PollInput } from "../../../src/machines/agent/context.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

const noGuests = { server: "test", people: new Set<string>(), servers: new Set<string>() };
/** Rooms in which the agent has a conversation. */
const talks = new Set<string>();
beforeEach(() => talks.clear());

type Name = Partial<PollInput>;

function look({ sessions, clock, userId, roomId }: Town, name: Name = {}, pushes = false) {
  const options = {
    isTalkingIn: (_agent: string, room: string) => talks.has(room),
    knownSince: 0,
    pushes,
  };
  const effect = catchUp(sessions, clock, noGuests, { people: new Set([anna]) }, options);
  return effect({ userId, roomId, ...name }, effectContext<never>());
}

async function textsIn(t: Town, name: Name, pushes: boolean): Promise<string[]> {
  const { heard } = await look(t, name, pushes);
  return heard.map((one) => (one.kind === "question" ? one.question.text : one.kind));
}

describe("a look at rooms of which one cannot be read", () => {
  const mention = (t: Town, roomId: string, body: string) =>
    t.homeserver.post(roomId, {
      sender: anna,
      content: { msgtype: "m.text", body, "m.mentions": { user_ids: [t.userId] } },
    });

  async function crowded() {
    const t = await town();
    const foreign = t.homeserver.makeRoom(anna);
    t.homeserver.setMember(foreign, t.userId, "join");
    mention(t, foreign, "in the foreign room");
    for (let n = 0; n < 60; n++)
      t.homeserver.post(foreign, { sender: anna, content: { msgtype: "m.text", body: "x" } });
    t.say("in its own room");
    return { t, foreign };
  }

  test.each(["unreachable", "malformed"] as const)("(%s) hears the others, and owes that one", async (kind) => {
    const { t, foreign } = await crowded();
    t.homeserver.fail("messages", matrixError(kind), 100, ({ args: [roomId] }) => roomId === foreign);
    for (const [name, pushes] of [[{}, false] as const, [{ lost: 1 }, true] as const]) {
      const { heard, unheard } = await look(t, name, pushes);
      expect(heard).toMatchObject([{ kind: "question", question: { text: "in its own room" } }]);
      expect(unheard).toEqual([{ roomId: foreign }]);
    }
  });

  test("leaves out what is owed already: it is not waited for again and again", async () => {
    const { t, foreign } = await crowded();
    const { heard, unheard } = await look(t, { owed: [{ roomId: foreign, tries: 1 }] });
    expect(heard).toHaveLength(1);
    expect(unheard).toEqual([{ roomId: foreign }]);
    expect(t.homeserver.count("messages")).toBe(0);
  });

  test("fails where no room can be read, and not before somebody else is listened for", async () => {
    const t = await town();
    for (let n = 0; n < 60; n++) t.say("x");
    t.homeserver.fail("messages", matrixError("unreachable"), 100);
    await expect(look(t)).rejects.toMatchObject({ kind: "unreachable" });
    expect((await look(t, { recovering: true })).unheard).toEqual([{ roomId: t.roomId }]);
  });

  test("fails for what is no room's own trouble", async () => {
    const { t } = await crowded();
    for (const kind of ["token", "limited"] as const) {
      t.homeserver.fail("messages", matrixError(kind));
      await expect(look(t)).rejects.toMatchObject({ kind });
    }
  });
});

describe("a further look at a room in which much is said that is not for the agent", () => {
  const further: Name = { lost: 1 };
  const minutes = 60_000;

  async function busy(count: number) {
    const t = await town();
    const foreign = t.homeserver.makeRoom(anna);
    t.homeserver.setMember(foreign, t.userId, "join");
    const chat = (times: number) => {
      for (let n = 0; n < times; n++)
        t.homeserver.post(foreign, { sender: anna, content: { msgtype: "m.text", body: "among us" } });
    };
    const address = (body: string) =>
      t.homeserver.post(foreign, {
        sender: anna,
        content: { msgtype: "m.text", body, "m.mentions": { user_ids: [t.userId] } },
      });
    chat(count);
    t.clock.advance(20 * minutes);
    chat(1);
    return { t, foreign, chat, address };
  }

  test("goes no further than the last one did, and hears all that was said since", async () => {
    const { t, chat, address } = await busy(1_000);
    const first = await look(t, further, true);
    expect(t.homeserver.count("messages")).toBeGreaterThan(5);
    t.clock.advance(20 * minutes);
    address("in the outage");
    chat(120);
    t.clock.advance(20 * minutes);
    chat(10);
    const before = t.homeserver.count("messages");
    const { seen } = first;
    const second = await look(t, { lost: 2, ...(seen && { seen }) }, true);
    expect(second.heard).toMatchObject([{ kind: "question", question: { text: "in the outage" } }]);
    expect(t.homeserver.count("messages") - before).toBeLessThanOrEqual(2);
    const third = await look(t, { lost: 3, ...(second.seen && { seen: second.seen }) }, true);
    expect(third.heard.filter(({ kind }) => kind === "cut")).toEqual([]);
  });

  test("hears also what came late to where it had been already", async () => {
    const { t, foreign, chat, address } = await busy(60);
    address("came late");
    chat(60);
    const { seen } = await look(t, further, true);
    expect(seen?.[foreign]).toBeDefined();
    expect(await textsIn(t, { lost: 2, ...(seen && { seen }) }, true)).toEqual(["came late"]);
  });

  test("reads on where the homeserver does not know any more how far that was", async () => {
    const { t, foreign, chat, address } = await busy(10);
    address("in the outage");
    chat(150);
    expect(await textsIn(t, { lost: 2, seen: { [foreign]: "$gone" } }, true)).toEqual(["in the outage"]);
  });

  test("of a room that it leaves out keeps how far it had been there", async () => {
    const { t, foreign } = await busy(60);
    const owed = { lost: 2, owed: [{ roomId: foreign, tries: 1 }], seen: { [foreign]: "$before" } };
    expect((await look(t, owed, true)).seen).toEqual({ [foreign]: "$before" });
  });

  test("is not cut where it has been already", async () => {
    const { t, foreign, chat } = await busy(10);
    chat(5_200);
    talks.add(foreign);
    const { seen } = await look(t, further, true);
    const before = t.homeserver.count("messages");
    expect(await textsIn(t, { lost: 2, ...(seen && { seen }) }, true)).toEqual([]);
    expect(t.homeserver.count("messages") - before, "however much is said in a minute").toBeLessThanOrEqual(6);
  });

  test("says that it has not read all only where somebody talks with it", async () => {
    const { t, foreign, address, chat } = await busy(5_100);
    expect(await textsIn(t, further, true)).toEqual([]);
    talks.add(foreign);
    expect(await textsIn(t, further, true)).toEqual(["cut"]);
    talks.clear();
    const edit = { rel_type: "m.replace", event_id: "$among-us" };
    t.homeserver.post(foreign, {
      sender: anna,
      content: { msgtype: "m.text", body: "* x", "m.new_content": { body: "x" }, "m.relates_to": edit },
    });
    expect(await textsIn(t, further, true), "an edit may be of anything").toEqual(["edit"]);
    address("and you?");
    chat(60);
    expect(await textsIn(t, further, true)).toEqual(["cut", "edit", "and you?"]);
  });
});
