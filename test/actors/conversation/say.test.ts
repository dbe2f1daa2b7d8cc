import { beforeEach, describe, expect, test } from "vitest";
import { sayings } from "../../../src/actors/conversation/say.ts";
import { turnMarkOf } from "../../../src/actors/marker.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

const context = () => effectContext<never>();

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

describe("what an earlier process may have said is looked for in the room, when the homeserver has forgotten its name,", () => {
  const again = () => effectContext<never>({ restarted: true });
  const long = 30 * 24 * 3_600_000;

  test("a refusal", async () => {
    const { refuse } = sayings(w);
    const { userId, roomId, question } = w;
    await refuse({ userId, roomId, question, text: "too much" }, again());
    await w.clock.pass(long);
    w.homeserver.forgetTransactions();
    await refuse({ userId, roomId, question, text: "too much" }, again());
    expect(w.sent).toHaveLength(1);
  });

  test("a remark, and not another one to the same message's neighbour", async () => {
    const { remark } = sayings(w);
    const { userId, roomId } = w;
    const [one, other] = [w.say("!stop"), w.say("!stop")];
    for (let n = 0; n < 2; n++) {
      for (const to of [one, other]) await remark({ userId, roomId, to, text: "There is nothing to stop." }, again());
      w.homeserver.forgetTransactions();
    }
    expect(w.sent).toHaveLength(2);
  });

  test("a cut", async () => {
    const { sayCut } = sayings(w);
    const { userId, roomId } = w;
    for (let n = 0; n < 2; n++) {
      await sayCut({ userId, roomId, gap: "s1" }, again());
      w.homeserver.forgetTransactions();
    }
    expect(w.sent).toHaveLength(1);
  });
});
