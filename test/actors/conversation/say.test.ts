import { beforeEach, expect, test } from "vitest";
import { sayings } from "../../../src/actors/conversation/say.ts";
import { turnMarkOf } from "../../../src/actors/marker.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

const context = (restarted = false) => effectContext<never>({ restarted });

test("#20 a question that is refused is answered with why, once", async () => {
  const { refuse } = sayings(w);
  const { userId, roomId, question } = w;
  for (let n = 0; n < 2; n++) await refuse({ userId, roomId, question, text: "too much" }, context());
  expect(w.sent).toHaveLength(1);
  expect(w.sent[0]?.content).toMatchObject({
    msgtype: "m.text",
    body: "too much",
    "m.mentions": { user_ids: [question.sender] },
  });
  expect(turnMarkOf(w.sent[0]?.content)).toMatchObject({ cause: question.eventId, outcome: "error", final: true });
});

test("a cut is said once for its gap, and rings nobody", async () => {
  const { sayCut } = sayings(w);
  const { userId, roomId } = w;
  for (const gap of ["s1", "s1", "s2"]) await sayCut({ userId, roomId, gap }, context());
  expect(w.sent).toHaveLength(2);
  expect(w.sent[0]?.content).toMatchObject({ msgtype: "m.notice", "m.mentions": {} });
});

test("a room that does not let us speak is left alone; anything else is tried again by the runtime", async () => {
  const { sayCut } = sayings(w);
  const { userId, roomId } = w;
  w.homeserver.fail("send", matrixError("forbidden"));
  await sayCut({ userId, roomId, gap: "s1" }, context());
  w.homeserver.fail("send", matrixError("unreachable"));
  await expect(sayCut({ userId, roomId, gap: "s1" }, context())).rejects.toMatchObject({ kind: "unreachable" });
});

test("what is said outside turns is said once although the homeserver has forgotten it", async () => {
  const { refuse, remark, sayCut } = sayings(w);
  const { userId, roomId, question } = w;
  for (const restarted of [false, true]) {
    await refuse({ userId, roomId, question, text: "too much" }, context(restarted));
    await remark({ userId, roomId, to: question, text: "nothing to stop" }, context(restarted));
    await sayCut({ userId, roomId, gap: "s1" }, context(restarted));
    w.homeserver.forgetTransactions();
  }
  expect(w.sent).toHaveLength(3);
});

test("a question that an earlier store refused is refused once, where the homeserver has forgotten it", async () => {
  const { refuse } = sayings(w);
  const { userId, roomId, question } = w;
  await refuse({ userId, roomId, question, text: "too much" }, context());
  w.homeserver.forgetTransactions();
  await refuse({ userId, roomId, question: { ...question, maybeAsked: true }, text: "too much" }, context());
  expect(w.sent).toHaveLength(1);
});
