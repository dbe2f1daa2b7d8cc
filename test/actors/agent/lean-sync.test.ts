import { beforeEach, describe, expect, test } from "vitest";
import { catchUp, poll } from "../../../src/actors/agent/intake.ts";
import { readOwed } from "../../../src/actors/agent/read-owed.ts";
import type { Heard } from "../../../src/machines/question.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

const noGuests = { server: "test", people: new Set<string>(), servers: new Set<string>() };
const commands = { people: new Set([anna]) };
const looks = { isTalkingIn: () => false, knownSince: 0, pushes: true };

let t: Town;
let since: string;
let bodies: string[];
let input: { readonly userId: string; readonly roomId: string };

beforeEach(async () => {
  t = await town();
  input = { userId: t.userId, roomId: t.roomId };
  since = `s${t.homeserver.place}`;
  bodies = Array.from({ length: 120 }, (_, n) => `message ${n}`);
  for (const body of bodies) t.say(body);
});

function texts(heard: readonly Heard[]): string[] {
  return heard.map((one) => (one.kind === "question" ? one.question.text : one.kind));
}

function look() {
  return catchUp(t.sessions, t.clock, noGuests, commands, looks)(input, effectContext<never>());
}

function firstPoll() {
  const rooms = { admins: [], readers: [] };
  return poll(t.sessions, t.clock, rooms, noGuests, commands, true)({ ...input, since }, effectContext<never>());
}

function reading(to?: string) {
  const room = { roomId: t.roomId, tries: 0, ...(to !== undefined && { to }) };
  return readOwed(t.sessions, t.clock, commands, looks)({ ...input, room }, effectContext<never>());
}

const askers = {
  "a look": look,
  "the poll that is the last": firstPoll,
  "the reading of one room": () => reading(),
  "the reading of one room, from a cursor on": () => reading(since),
};

describe("where what all rooms together have is too much for one answer", () => {
  describe.each(Object.entries(askers))("%s", (_name, ask) => {
    test.each([5, 1])("asks for less of each, and reads the rest back (%i events are not too much)", async (most) => {
      t.homeserver.answerLittle(most);
      expect(texts((await ask()).heard)).toEqual(bodies);
    });

    test("fails if one of each is too much", async () => {
      t.homeserver.answerLittle(0);
      await expect(ask()).rejects.toMatchObject({ kind: "malformed", isTooMuch: true });
      expect(t.homeserver.count("sync")).toBe(3);
    });
  });

  test("a poll that is held asks for less once it has failed", async () => {
    since = `s${t.homeserver.place}`;
    t.homeserver.answerLittle(5);
    const go = (recovering: boolean) =>
      poll(
        t.sessions,
        t.clock,
        { admins: [], readers: [] },
        noGuests,
        commands,
      )({ ...input, since, ...(recovering && { recovering }) }, effectContext<never>());
    await expect(go(false)).rejects.toMatchObject({ isTooMuch: true });
    t.say("hello");
    expect(texts((await go(true)).heard)).toEqual(["hello"]);
  });
});
