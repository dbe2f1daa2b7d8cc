import { beforeEach, describe, expect, test } from "vitest";
import { readOwed } from "../../../src/actors/agent/read-owed.ts";
import { finalContent } from "../../../src/actors/conversation/content.ts";
import { Markdown } from "../../../src/actors/conversation/markdown.ts";
import type { ReadInput } from "../../../src/machines/agent/context.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

let t: Town;
beforeEach(async () => {
  t = await town();
});

async function read(room: Partial<ReadInput["room"]> = {}, rest: Partial<ReadInput> = {}): Promise<string[]> {
  const { userId, roomId, sessions, clock } = t;
  const input = { userId, roomId, room: { roomId, tries: 0, ...room }, ...rest };
  const effect = readOwed(
    sessions,
    clock,
    { people: new Set([anna]) },
    { isTalkingIn: () => false, knownSince: 0, pushes: true },
  );
  const result = await effect(input, effectContext<never>());
  expect(result.roomId).toBe(input.room.roomId);
  return result.heard.map((one) => (one.kind === "question" ? one.question.text : one.kind));
}

function sayMany(count: number): string[] {
  const bodies = Array.from({ length: count }, (_, n) => `message ${n}`);
  for (const body of bodies) t.say(body);
  return bodies;
}

describe("a room that could not be read", () => {
  test("is read like in a look, as far as the newest question that was answered", async () => {
    const question = { eventId: t.say("answered").eventId, sender: anna, sentAt: 0, text: "", mentioned: false };
    const final = { question, attempt: 1, outcome: "answer", text: "so", part: 1, parts: 1 } as const;
    const bodies = sayMany(120);
    t.homeserver.post(t.roomId, { sender: t.userId, content: finalContent(final, new Markdown()) });
    expect(await read()).toEqual(bodies);
  });

  test("that was owed by a poll is read as far as that one's cursor", async () => {
    sayMany(10);
    const to = `s${t.homeserver.place}`;
    const bodies = sayMany(120);
    expect(await read({ to })).toEqual(bodies);
  });

  test("is read without a cursor that the homeserver does not know any more", async () => {
    const bodies = sayMany(120);
    t.homeserver.fail("sync", new MatrixError("refused", "no", { remedy: "wait", errcode: "M_UNKNOWN" }));
    expect(await read({ to: "s1" })).toEqual(bodies);
  });

  test("is told of as such when it still cannot be read, and when another one can", async () => {
    const other = t.homeserver.makeRoom(anna);
    t.homeserver.setMember(other, t.userId, "join");
    const to = `s${t.homeserver.place}`;
    sayMany(60);
    t.homeserver.fail("messages", matrixError("unreachable"), 2, ({ args: [roomId] }) => roomId === t.roomId);
    const refusal = { kind: "unreadable", cause: { kind: "unreachable" } };
    await expect(read()).rejects.toMatchObject(refusal);
    await expect(read({ to })).rejects.toMatchObject(refusal);
    expect(await read({ roomId: other })).toEqual([]);
  });

  test("is taken for cut when it cannot be read for an hour, and what can be read of it is heard", async () => {
    const to = `s${t.homeserver.place}`;
    const bodies = sayMany(60);
    t.homeserver.fail("messages", matrixError("unreachable"), 100);
    const last = ["cut", ...bodies.slice(10)];
    expect(await read({ tries: 70 })).toEqual(last);
    expect(await read({ tries: 70, to })).toEqual(last);
  });

  test("is nothing to the agent any more when it has left it", async () => {
    expect(await read({ roomId: "!left:test" })).toEqual([]);
  });
});
