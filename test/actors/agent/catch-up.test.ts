import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { catchUp } from "../../../src/actors/agent/intake.ts";
import { finalContent } from "../../../src/actors/conversation/content.ts";
import { Markdown } from "../../../src/actors/conversation/markdown.ts";
import { approvalMarker, transactionMarker } from "../../../src/actors/marker.ts";
import type { PollInput } from "../../../src/machines/agent/context.ts";
import type { Question } from "../../../src/machines/question.ts";
import type { MatrixEvent, MessagesRequest } from "../../../src/matrix/port.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const noGuests = { server: "test", people: new Set<string>(), servers: new Set<string>() };
const markdown = new Markdown();

type Name = Pick<PollInput, "store" | "lost" | "seen">;

async function look({ sessions, clock, userId, roomId }: Town, name: Name = {}, pushes = false, knownSince = 0) {
  const commands = { people: new Set([anna]) };
  return await catchUp(sessions, clock, noGuests, commands, {
    isTalkingIn: () => false,
    knownSince,
    pushes,
  })({ userId, roomId, ...name }, effectContext<never>());
}

async function textsIn(t: Town, name: Name = {}, pushes = false, knownSince = 0): Promise<string[]> {
  const { heard } = await look(t, name, pushes, knownSince);
  return heard.map((one) => {
    if (one.kind === "command") return one.command.name;
    return one.kind === "question" ? one.question.text : one.kind;
  });
}

/** The agent answers: with its own marks, as an edit of a draft or plain. */
function answer(t: Town, { eventId }: Pick<MatrixEvent, "eventId">, draft?: string, sender = t.userId): MatrixEvent {
  const question: Question = { eventId, sender: anna, sentAt: 0, text: "", mentioned: false };
  const final = { question, attempt: 1, outcome: "answer", text: "so", part: 1, parts: 1 } as const;
  const content = finalContent({ ...final, ...(draft !== undefined && { draft }) }, markdown);
  return t.homeserver.post(t.roomId, { sender, content });
}

describe("a first look", () => {
  test("hears what was said since the room was made, and says that it may have been asked", async () => {
    const t = await town();
    t.say("hello");
    const { since, heard } = await look(t);
    expect(since).toBe(`s${t.homeserver.place}`);
    expect(heard).toMatchObject([{ kind: "question", question: { text: "hello", maybeAsked: true } }]);
  });

  test("is never the same request twice: Synapse would answer the second out of its memory", async () => {
    const t = await town();
    await look(t);
    await look(t);
    const looks = t.homeserver.requests.filter(({ call }) => call === "sync").map(({ args }) => JSON.stringify(args));
    expect(new Set(looks).size).toBe(2);
  });

  test("hears nothing from before the agent was let in, which it is from its invitation on", async () => {
    const t = await town();
    t.homeserver.setMember(t.roomId, t.userId, "leave");
    t.say("while it was away");
    t.homeserver.setMember(t.roomId, t.userId, "invite", anna);
    t.say("come in");
    t.homeserver.setMember(t.roomId, t.userId, "join");
    t.say("welcome back");
    expect(await textsIn(t)).toEqual(["come in", "welcome back"]);
  });

  test("hears nothing from before the agent came in without being invited, nor after an invitation that it declined", async () => {
    const t = await town();
    t.homeserver.setMember(t.roomId, t.userId, "leave");
    t.homeserver.setMember(t.roomId, t.userId, "invite", anna);
    t.say("come in");
    t.homeserver.setMember(t.roomId, t.userId, "leave");
    t.say("while it was away");
    t.homeserver.setMember(t.roomId, t.userId, "join");
    t.say("welcome back");
    expect(await textsIn(t)).toEqual(["welcome back"]);
  });

  test("does not take a new display name for a join", async () => {
    const t = await town();
    t.say("before");
    t.homeserver.setMember(t.roomId, t.userId, "join");
    t.say("after");
    expect(await textsIn(t)).toEqual(["before", "after"]);
  });

  test("hears nothing up to the newest question that has a final answer", async () => {
    const t = await town();
    const first = t.say("first");
    const second = t.say("second");
    t.say("third");
    answer(t, first);
    answer(t, second, "$draft");
    t.say("fourth");
    expect(await textsIn(t)).toEqual(["third", "fourth"]);
  });

  test("goes by its own answers only, and by finals only", async () => {
    const t = await town();
    const first = t.say("first");
    answer(t, first, undefined, "@mallory:test");
    const mark = { cause: first.eventId, attempt: 1, part: 1, parts: 2, final: false, hops: 0 };
    t.homeserver.post(t.roomId, { sender: t.userId, content: { "io.letta_matrix.turn": mark } });
    // What somebody else marks so answers nothing, and is a message like any other.
    expect(await textsIn(t)).toEqual(["first", "so"]);
  });

  test.each([60, 99, 100, 101, 350])("reads back over pages to that question (%i messages after it)", async (count) => {
    const t = await town();
    t.say("old");
    const answered = t.say("answered");
    const bodies = Array.from({ length: count }, (_, n) => `message ${n}`);
    for (const [index, body] of bodies.entries()) {
      t.say(body);
      if (index === 0) answer(t, answered);
    }
    expect(await textsIn(t)).toEqual(bodies);
  });

  test("finds a question whose answer came many pages later", async () => {
    const t = await town();
    const answered = t.say("answered");
    const bodies = Array.from({ length: 250 }, (_, n) => `message ${n}`);
    for (const body of bodies) t.say(body);
    answer(t, answered);
    expect(await textsIn(t)).toEqual(bodies);
  });

  test("sees a room in which nothing recent is anything it listens for", async () => {
    const t = await town();
    t.say("unanswered");
    for (let n = 0; n < 300; n++) t.say("", { type: "m.reaction", content: {} });
    expect(await textsIn(t)).toEqual(["unanswered"]);
  });

  test("reads no further than it must", async () => {
    const t = await town();
    for (let n = 0; n < 1_000; n++) t.say("old");
    answer(t, t.say("answered"));
    t.say("new");
    expect(await textsIn(t)).toEqual(["new"]);
    expect(t.homeserver.count("messages")).toBe(0);
  });

  test("that would read for ever is cut, and says so", async () => {
    const t = await town();
    for (let n = 0; n < 5_100; n++) t.say(`message ${n}`);
    const { heard } = await look(t);
    expect(heard).toHaveLength(1 + 5_050);
    expect(heard[0]).toEqual({ kind: "cut", roomId: t.roomId, gap: "first look" });
    const types = t.homeserver.requests.find(({ call }) => call === "messages")?.args.at(-1) as MessagesRequest;
    expect(types.types).toContain("m.room.member");
    const gaps = [];
    for (const name of [{ lost: 1 }, { lost: 2 }, { store: "store-2" }, { store: "store-2", lost: 2 }, { lost: 2 }])
      gaps.push((await look(t, name)).heard[0]);
    expect(gaps.map((gap) => gap?.kind === "cut" && gap.gap)).toEqual([
      "first look after 1",
      "first look after 2",
      "first look store-2",
      "first look store-2 after 2",
      "first look after 2",
    ]);
  });

  test("hears each question after the newest answered one, once, wherever the pages begin", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("ask", "ask", "ask", "answer", "rename", "chatter"), { maxLength: 400 }),
        async (happenings) => {
          const t = await town();
          const asked: MatrixEvent[] = [];
          let answered = 0;
          for (const happening of happenings) {
            const next = asked[answered];
            if (happening === "ask") asked.push(t.say(`question ${asked.length}`));
            else if (happening === "rename") t.homeserver.setMember(t.roomId, t.userId, "join");
            else if (happening === "chatter") t.say("tick", { content: { msgtype: "m.notice", body: "tick" } });
            else if (next !== undefined) {
              answer(t, next);
              answered++;
            }
          }
          expect(await textsIn(t)).toEqual(asked.slice(answered).map(({ content }) => content["body"]));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what became of its own room meanwhile", () => {
  const tombstone = { type: "m.room.tombstone", stateKey: "", sender: "@owner:test" };
  const changed = async (t: Town): Promise<boolean> => (await look(t, { lost: 1 }, true)).changed ?? false;

  test("is nothing where it is in there, and all is as before, whatever people call their messages", async () => {
    const t = await town();
    t.homeserver.post(t.roomId, { sender: anna, type: tombstone.type, content: { replacement_room: "!next:test" } });
    expect(await changed(t)).toBe(false);
  });

  test.each([1, 60])("is told by a look: the room was upgraded (%i messages ago)", async (count) => {
    const t = await town();
    t.homeserver.post(t.roomId, { ...tombstone, content: { replacement_room: "!next:test" } });
    for (let n = 0; n < count; n++) t.say("hello?");
    expect(await changed(t)).toBe(true);
    t.homeserver.post(t.roomId, { ...tombstone, content: {} });
    expect(await changed(t), "and no more where that was taken back").toBe(false);
  });

  test("is told by a look: it was put out, and let in again", async () => {
    const t = await town();
    t.homeserver.setMember(t.roomId, t.userId, "leave", anna);
    expect(await changed(t)).toBe(true);
    t.homeserver.setMember(t.roomId, t.userId, "invite", anna);
    expect(await changed(t)).toBe(true);
    t.homeserver.setMember(t.roomId, t.userId, "join");
    expect(await changed(t)).toBe(false);
  });

  test("is told by a look: it was invited to where its room goes on", async () => {
    const t = await town();
    const next = t.homeserver.makeRoom(anna);
    t.homeserver.post(t.roomId, { ...tombstone, content: { replacement_room: next } });
    t.homeserver.setMember(next, t.userId, "invite", anna);
    const { changed, invited } = await look(t, { lost: 1 }, true);
    expect([changed, invited]).toEqual([true, undefined]);
  });
});

describe("a further look, where the homeserver pushes", () => {
  const further: Name = { lost: 1 };
  const doubtful = 600_000;

  test("hears also what was said shortly before the newest answered question, and has no answer", async () => {
    const t = await town();
    t.say("long before");
    t.clock.advance(doubtful + 1);
    answer(t, t.say("answered first"));
    t.say("not pushed");
    const other = t.say("pushed");
    answer(t, other);
    t.say("new");
    expect(await textsIn(t, further, true)).toEqual(["not pushed", "new"]);
    // Neither a first look nor one after polls can rely on anything being known again.
    expect(await textsIn(t, {}, true)).toEqual(["new"]);
    expect(await textsIn(t, further)).toEqual(["new"]);
    // The homeserver was told just now to push no more.
    expect(await textsIn(t, { ...further, seen: {} })).toEqual(["not pushed", "new"]);
  });

  test("reads back over pages to there", async () => {
    const t = await town();
    t.say("not pushed");
    for (let n = 0; n < 120; n++) answer(t, t.say(`answered ${n}`));
    expect(await textsIn(t, further, true)).toEqual(["not pushed"]);
  });

  test("leaves alone what is older than a day, since it may be forgotten that it was heard", async () => {
    const t = await town();
    t.say("answered by silence");
    answer(t, t.say("answered"));
    t.clock.advance(86_400_001);
    t.say("new");
    expect(await textsIn(t, further, true)).toEqual(["new"]);
  });

  test("of what is older than the store, which nobody knows to be new, hears only what follows the newest answer", async () => {
    const t = await town();
    t.say("answered by silence, before the backup was restored");
    answer(t, t.say("answered before that"));
    t.say("said while it was down");
    t.clock.advance(1_000);
    const restoredAt = t.clock.now();
    expect(await textsIn(t, further, true, restoredAt)).toEqual(["said while it was down"]);
    t.clock.advance(1_000);
    t.say("not pushed");
    answer(t, t.say("pushed"));
    expect(await textsIn(t, further, true, restoredAt)).toEqual(["not pushed"]);
  });

  test("hears nothing from before the agent came back, nor from before it was adopted", async () => {
    const t = await town();
    t.say("before it went");
    t.homeserver.setMember(t.roomId, t.userId, "leave");
    t.say("while it was away");
    t.homeserver.setMember(t.roomId, t.userId, "join");
    t.say("not pushed");
    answer(t, t.say("answered"));
    expect(await textsIn(t, further, true)).toEqual(["not pushed"]);
  });

  test("hears what was said between an invitation and the join, and not what of it was answered", async () => {
    const t = await town();
    t.homeserver.setMember(t.roomId, t.userId, "leave");
    t.say("while it was away");
    t.homeserver.setMember(t.roomId, t.userId, "invite", anna);
    const seen = t.say("seen");
    t.say("not pushed");
    t.homeserver.setMember(t.roomId, t.userId, "join");
    answer(t, t.say("pushed"));
    answer(t, seen);
    expect(await textsIn(t, further, true)).toEqual(["not pushed"]);
  });

  test("takes a command as long as it means what it meant", async () => {
    const t = await town();
    const agentSays = (body: string) =>
      t.homeserver.post(t.roomId, { sender: t.userId, content: { msgtype: "m.notice", body } });
    t.say("!stop");
    agentSays("a draft");
    t.say("!approve");
    expect(await textsIn(t, further, true)).toEqual(["approve"]);
    agentSays("another request");
    t.say("!retry");
    expect(await textsIn(t, further, true)).toEqual(["retry"]);
    agentSays("Stopped.");
    expect(await textsIn(t, further, true)).toEqual(["retry"]);
    const another = t.say("another question");
    expect(await textsIn(t, further, true), "in their order").toEqual(["retry", "another question"]);
    answer(t, another);
    expect(await textsIn(t, further, true)).toEqual([]);
    // A first look, and one with a store that was restored, do not know what was taken.
    t.say("!stop");
    expect(await textsIn(t, further, true)).toEqual(["stop"]);
    expect(await textsIn(t, {}, true)).toEqual([]);
    const restoredAt = t.clock.now();
    const restored = { lost: 1, store: "store-2" };
    expect(await textsIn(t, restored, true, restoredAt)).toEqual([]);
    // What is clearly newer than the restored store was heard by no earlier one.
    t.clock.advance(doubtful + 1);
    t.say("!stop");
    expect(await textsIn(t, restored, true, restoredAt)).toEqual(["stop"]);
  });

  test("takes a decision although the agent has remarked upon an earlier one just after it", async () => {
    const t = await town();
    const agentSays = (mark: string) =>
      t.homeserver.post(t.roomId, {
        sender: t.userId,
        content: { msgtype: "m.notice", body: "…", [transactionMarker]: "t", ...(mark !== "" && { [mark]: {} }) },
      });
    agentSays(approvalMarker);
    t.say("!deny");
    agentSays("");
    expect(await textsIn(t, further, true)).toEqual(["deny"]);
    agentSays(approvalMarker);
    expect(await textsIn(t, further, true)).toEqual([]);
  });

  test("says of a question that it may have been asked only where another store may have asked it", async () => {
    const t = await town();
    t.say("said before the store was made");
    t.clock.advance(1_000);
    const madeAt = t.clock.now();
    t.clock.advance(1_000);
    t.say("not pushed");
    const asked = async (name: Name) =>
      (await look(t, name, true, madeAt)).heard.map(
        (one) => one.kind === "question" && [one.question.text, one.question.maybeAsked ?? false],
      );
    expect(await asked({ lost: 1 })).toEqual([
      ["said before the store was made", true],
      ["not pushed", false],
    ]);
    const restored = { lost: 1, store: "store-2" };
    expect((await asked(restored)).map((one) => one !== false && one[1])).toEqual([true, true]);
    t.clock.advance(doubtful);
    t.say("said long after the restore");
    expect((await asked(restored)).map((one) => one !== false && one[1])).toEqual([true, true, false]);
  });

  test("takes a sign on a request whenever it was set: it names what it decides", async () => {
    const t = await town();
    const request = t.homeserver.post(t.roomId, { sender: t.userId });
    const sign = { "m.relates_to": { rel_type: "m.annotation", event_id: request.eventId, key: "✅" } };
    t.say("", { type: "m.reaction", content: sign });
    t.homeserver.post(t.roomId, { sender: t.userId });
    expect(await textsIn(t, further, true)).toEqual(["approve"]);
    expect(await textsIn(t, {}, true)).toEqual([]);
  });
});
