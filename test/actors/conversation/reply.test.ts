import { beforeEach, describe, expect, test, vi } from "vitest";
import { draftContent } from "../../../src/actors/conversation/content.ts";
import { reply, withdrawDraft } from "../../../src/actors/conversation/reply.ts";
import { turnMarkOf } from "../../../src/actors/marker.ts";
import type { Turn } from "../../../src/machines/conversation/context.ts";
import { transactionId } from "../../../src/matrix/transaction-id.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const day = 24 * 3_600_000;

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

async function answer(text: string, turn: Partial<Turn> = {}): Promise<void> {
  const ready = { answer: { outcome: "answer", text }, answeredAt: w.clock.now() } as const;
  await reply(w)(w.input({ ...ready, ...turn }), effectContext<never>());
}

/** The agent's first draft, as an earlier process sent it. */
async function sendDraft(): Promise<string> {
  const { userId: agent, roomId: room, question } = w;
  const txnId = transactionId({ agent, room, type: "m.room.message", cause: question.eventId, part: "draft" });
  const client = w.sessions.as(agent);
  return await client.send(room, "m.room.message", txnId, draftContent(question, 1, "half"), effectContext().signal);
}

function transactions(): unknown[] {
  return w.homeserver.requests.filter(({ call }) => call === "send").map(({ args: [, , txnId] }) => txnId);
}

/** A long answer: paragraphs that can be told apart. */
const long = Array.from({ length: 3_000 }, (_, n) => `**paragraph ${n}** with a few words & more`).join("\n\n");

describe("an answer", () => {
  test("is one event, sent once however often it is repeated", async () => {
    await answer("so");
    await answer("so");
    expect(w.finals).toEqual([{ body: "so", part: 1, edits: false }]);
  });

  test("takes the place of the draft", async () => {
    const draft = await sendDraft();
    await answer("so", { drafting: true, draft });
    expect(w.sent).toHaveLength(2);
    expect(w.sent[1]?.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id: draft });
  });

  test("finds a draft whose id was never noted by sending it again", async () => {
    const draft = await sendDraft();
    await answer("so", { drafting: true });
    expect(w.sent).toHaveLength(2);
    expect(w.sent[1]?.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id: draft });
  });

  test("makes a draft where none was sent before the crash, and replaces it", async () => {
    await answer("so", { drafting: true });
    expect(w.sent.map(({ content }) => content["msgtype"])).toEqual(["m.notice", "m.text"]);
    expect(w.finals).toEqual([{ body: "so", part: 1, edits: true }]);
  });

  test("that is long comes in parts that fit, lose nothing, and mention once", async () => {
    const draft = await sendDraft();
    await answer(long, { drafting: true, draft });
    const { finals } = w;
    expect(finals.length).toBeGreaterThan(3);
    expect(finals.map(({ part }) => part)).toEqual(finals.map((_, index) => index + 1));
    expect(finals.map(({ edits }) => edits)).toEqual(finals.map((_, index) => index === 0));
    expect(finals.map(({ body }) => body).join("\n\n")).toBe(long);
    const marks = w.sent.map(({ content }) => turnMarkOf(content)).filter((mark) => mark?.outcome !== undefined);
    expect(marks.map((mark) => mark?.final)).toEqual(finals.map((_, index) => index === finals.length - 1));
    expect(new Set(marks.map((mark) => mark?.parts))).toEqual(new Set([finals.length]));
    expect(new Set(transactions()).size).toBe(transactions().length);
  });

  test("fits also when all of it is written in several bytes, or escaped", async () => {
    await answer("\u{1f600}".repeat(30_000));
    await answer('"\\\n'.repeat(20_000), { question: { ...w.question, eventId: "$other" } });
    await answer("<&>".repeat(20_000), { question: { ...w.question, eventId: "$third" } });
    expect(w.finals.length).toBeGreaterThan(6);
  });

  test("of which a part cannot be sent goes on there", async () => {
    w.homeserver.fail("send", matrixError("unreachable"), 1, ({ args }) =>
      JSON.stringify(args).includes("paragraph 900"),
    );
    await expect(answer(long)).rejects.toMatchObject({ kind: "unreachable" });
    const before = w.finals.length;
    expect(before).toBeGreaterThan(0);
    await answer(long);
    expect(w.finals.map(({ part }) => part)).toEqual(w.finals.map((_, index) => index + 1));
    expect(w.finals.length).toBeGreaterThan(before);
  });

  test("counts its sends, so that drafts of other rooms leave room for it", async () => {
    for (let n = 0; n < 10; n++) await answer("so", { question: { ...w.question, eventId: `$question-${n}` } });
    expect(w.budgets.of(w.userId).tryDraft()).toBe(false);
  });

  test("without a session waits for one", async () => {
    await w.sessions.forget(w.userId);
    await expect(answer("so")).rejects.toMatchObject({ kind: "token" });
  });
});

test("#23 an answer to which a request for an approval stands open says below it that it is not needed any more", async () => {
  const approval = { callId: "perm-1", attempt: 1, tool: "Bash", text: "May I use the tool Bash?" };
  await answer("so", { approval });
  await answer("so", { approval });
  const bodies = w.sent.map(({ content }) => Object(content["m.new_content"] ?? content).body);
  expect(bodies).toEqual([
    "May I use the tool Bash?",
    "May I use the tool Bash?\nNot decided: the turn has ended.",
    "so",
  ]);
});

test.each([
  ["an answer", (decided: Turn["decided"]) => answer("so", { decided })],
  [
    "a turn with nothing to say",
    (decided: Turn["decided"]) => withdrawDraft(w)(w.input({ decided }), effectContext<never>()),
  ],
])("#23 a request that was decided when the process was killed does not stand open below %s", async (_, end) => {
  const decided = { callId: "perm-1", attempt: 1, tool: "Bash", text: "May I use the tool Bash?" };
  await end(decided);
  await end(decided);
  const [request, closed, ...more] = w.sent.map(({ content }) => Object(content["m.new_content"] ?? content).body);
  expect([request, closed]).toEqual([decided.text, `${decided.text}\nDecided, but the work on this was cut off.`]);
  expect(more).toEqual(w.finals.map(({ body }) => body));
});

describe("#8 an answer older than the homeserver's memory", () => {
  test("is looked for in the room before it is sent", async () => {
    const answeredAt = w.clock.now();
    await answer(long, { answeredAt });
    const { finals } = w;
    w.clock.advance(2 * day);
    w.homeserver.forgetTransactions();
    await answer(long, { answeredAt });
    expect(w.finals).toEqual(finals);
  });

  test("of which only some parts stand there gets the others", async () => {
    const answeredAt = w.clock.now();
    w.homeserver.fail("send", matrixError("unreachable"), 1, ({ args }) =>
      JSON.stringify(args).includes("paragraph 900"),
    );
    await expect(answer(long, { answeredAt })).rejects.toThrow();
    w.clock.advance(2 * day);
    w.homeserver.forgetTransactions();
    await answer(long, { answeredAt });
    expect(w.finals.map(({ part }) => part)).toEqual(w.finals.map((_, index) => index + 1));
    expect(w.finals.map(({ body }) => body).join("\n\n")).toBe(long);
  });

  test("is found behind much that was said since, and not taken for another's", async () => {
    const answeredAt = w.clock.now();
    await answer("so", { answeredAt });
    for (let n = 0; n < 350; n++) w.say("chatter");
    w.homeserver.post(w.roomId, { sender: "@mallory:test", content: { ...w.sent[0]?.content, body: "forged" } });
    w.clock.advance(2 * day);
    w.homeserver.forgetTransactions();
    await answer("so", { answeredAt });
    expect(w.finals).toHaveLength(1);
  });

  test("to a question that was asked once more is not taken for the first one", async () => {
    await answer("it failed", { answer: { outcome: "error", text: "it failed" } });
    const answeredAt = w.clock.now();
    w.clock.advance(2 * day);
    w.homeserver.forgetTransactions();
    const retried = { question: { ...w.question, retry: "$retry" }, answeredAt };
    await answer("so", retried);
    w.homeserver.forgetTransactions();
    await answer("so", retried);
    expect(w.finals.map(({ body }) => body)).toEqual(["it failed", "so"]);
  });

  test("finds its draft, too, which would else stay for ever", async () => {
    const draft = await sendDraft();
    w.clock.advance(2 * day);
    w.homeserver.forgetTransactions();
    await answer("so", { drafting: true });
    expect(w.sent).toHaveLength(2);
    expect(w.sent[1]?.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id: draft });
  });

  test("costs no search as long as the homeserver remembers", async () => {
    await answer("so");
    expect(w.homeserver.count("messages")).toBe(0);
  });
});

describe("#32 a draft of a turn that ends in silence", () => {
  const withdraw = (turn: Partial<Turn>) => withdrawDraft(w)(w.input(turn), effectContext<never>());

  test("is taken away", async () => {
    const draft = await sendDraft();
    await withdraw({ drafting: true, draft });
    expect(w.homeserver.room(w.roomId).events.find(({ eventId }) => eventId === draft)?.content).toEqual({});
  });

  test("is found by sending it again when its id was never noted", async () => {
    const draft = await sendDraft();
    await withdraw({ drafting: true });
    await withdraw({ drafting: true });
    expect(w.sent.map(({ eventId, content }) => [eventId, content])).toEqual([[draft, {}]]);
  });
});
