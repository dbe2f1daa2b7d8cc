import { beforeEach, expect, test } from "vitest";
import { finalContent } from "../../../src/actors/conversation/content.ts";
import { findAnswered } from "../../../src/actors/conversation/find-answered.ts";
import type { Question } from "../../../src/machines/question.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

function asked(text: string): Question {
  const { eventId, sender, originServerTs } = w.say(text);
  return { eventId, sender, sentAt: originServerTs, text, mentioned: false };
}

function answer(question: Question, { sender = w.userId, part = 1, parts = 1 } = {}): void {
  const final = { question, attempt: 1, outcome: "answer", text: "so", part, parts } as const;
  w.homeserver.post(w.roomId, { sender, content: finalContent(final, w.markdown) });
}

async function found(...questions: readonly Question[]): Promise<readonly string[]> {
  const { userId, roomId } = w;
  return (await findAnswered(w)({ userId, roomId, questions }, effectContext<never>())).answered;
}

test("finds what has its last part, however much was said since", async () => {
  const [one, two, three] = [asked("1"), asked("2"), asked("3")];
  answer(one);
  answer(two, { part: 1, parts: 2 });
  for (let n = 0; n < 1_000; n++) w.say("and so on");
  answer(three);
  expect([...(await found(one, two, three))].toSorted()).toEqual([one.eventId, three.eventId].toSorted());
});

test("believes nobody else", async () => {
  const one = asked("1");
  answer(one, { sender: one.sender });
  expect(await found(one)).toEqual([]);
});

test("tells a question that was asked once more from the first time", async () => {
  const one = asked("1");
  answer(one);
  const again = { ...one, retry: "$retry" };
  expect(await found(again)).toEqual([]);
  answer(again);
  expect(await found(again)).toEqual(["$retry"]);
});

test("reads no further back than to the oldest question", async () => {
  for (let n = 0; n < 1_000; n++) w.say("long ago");
  await found(asked("1"));
  expect(w.homeserver.requests.filter(({ call }) => call === "messages")).toHaveLength(1);
});
