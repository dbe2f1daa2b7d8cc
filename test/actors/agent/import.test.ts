import { beforeEach, describe, expect, test } from "vitest";
import { importHistory } from "../../../src/actors/agent/import.ts";
import { hear } from "../../../src/actors/agent/listen.ts";
import type { Utterance } from "../../../src/letta/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { FakeLetta, lettaError } from "../../ports/fake-letta.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

let t: Town;
let letta: FakeLetta;
beforeEach(async () => {
  t = await town();
  letta = new FakeLetta();
  letta.past = Array.from({ length: 20 }, (_, n) => utterance(n));
});

function utterance(n: number, rest: Partial<Utterance> = {}): Utterance {
  return { id: `ui-msg-${n}`, speaker: n % 2 === 0 ? "user" : "agent", text: `text ${n}`, ...rest };
}

const tell = (limit = 15) =>
  importHistory(t.sessions, letta.history.bind(letta), { limit })(
    { userId: t.userId, agentId: "agent-1", name: "Scout", roomId: t.roomId },
    effectContext<never>(),
  );
const messages = () => t.homeserver.room(t.roomId).events.filter(({ type }) => type === "m.room.message");
const bodies = () => messages().map(({ content }) => content["body"]);

describe("a new room", () => {
  test("is told the last things that were said in Letta, oldest first, each with who said it", async () => {
    await tell();
    expect(bodies()).toEqual(Array.from({ length: 15 }, (_, n) => `${n % 2 === 1 ? "User" : "Scout"}: text ${n + 5}`));
    for (const { sender, content } of messages()) {
      expect(sender).toBe(t.userId);
      expect(content).toMatchObject({ msgtype: "m.notice", "m.letta_historical": true, "m.mentions": {} });
    }
  });

  test("#4 has nothing in it that any agent would answer", async () => {
    await tell();
    const listener = { userId: "@agent_2:test", ownRoomId: t.roomId, commanders: new Set<string>() };
    expect(messages().flatMap((event) => hear(event, t.roomId, listener) ?? [])).toEqual([]);
  });

  test("is told it once, also when the telling was interrupted and the homeserver forgot", async () => {
    t.homeserver.fail("send", matrixError("limited", 5_000), 1, ({ args: [, , , content] }) =>
      JSON.stringify(content).includes("text 12"),
    );
    await expect(tell()).rejects.toMatchObject({ kind: "limited" });
    t.homeserver.forgetTransactions();
    await tell();
    await tell();
    expect(bodies()).toHaveLength(15);
    expect(new Set(bodies()).size).toBe(15);
  });

  test("of an agent that nobody has talked to yet stays empty", async () => {
    letta.past = [];
    await tell();
    expect(bodies()).toEqual([]);
  });

  test("is told nothing when that is configured so", async () => {
    await tell(0);
    expect(bodies()).toEqual([]);
    expect(letta.calls).toEqual([]);
  });

  test("is told long and broken texts in a form that homeservers take", async () => {
    letta.past = [utterance(1, { text: "🎭".repeat(50_000) }), utterance(2, { text: "cut \ud83d" })];
    await tell();
    expect(bodies()).toHaveLength(2);
  });

  test("waits until Letta is there", async () => {
    const away = () => Promise.reject(lettaError("unreachable"));
    const input = { userId: t.userId, agentId: "agent-1", name: "Scout", roomId: t.roomId };
    const telling = importHistory(t.sessions, away, { limit: 15 })(input, effectContext<never>());
    await expect(telling).rejects.toMatchObject({ kind: "unreachable" });
  });
});

describe("a room in which somebody has spoken", () => {
  test("is told no past any more", async () => {
    t.homeserver.post(t.roomId, { sender: anna });
    await tell();
    expect(messages()).toHaveLength(1);
  });

  test("is not fooled by what somebody else marks as told", async () => {
    const content = {
      msgtype: "m.notice",
      body: "x",
      "io.letta_matrix.history": { message: "ui-msg-7", speaker: "user" },
    };
    t.homeserver.post(t.roomId, { sender: anna, content });
    await tell();
    expect(messages()).toHaveLength(1);
  });
});
