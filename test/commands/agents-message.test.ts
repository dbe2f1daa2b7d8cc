import { beforeEach, describe, expect, test } from "vitest";
import { hear } from "../../src/actors/agent/listen.ts";
import type { Principal } from "../../src/commands/access/principal.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { TooManyHops } from "../../src/commands/agents/hops.ts";
import { agentsMessage, NobodyAsks, NoRoomYet, OwnSelf } from "../../src/commands/agents/message.ts";
import { Deadlock, type Waits } from "../../src/commands/agents/waits.ts";
import type { Call, CommandContext } from "../../src/commands/command.ts";
import { bind } from "../../src/commands/command.ts";
import { NotDone, RoomBusy } from "../../src/commands/messages/errand.ts";
import { NotYours } from "../../src/commands/messages/speaker.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { mostQueued } from "../../src/machines/outbox.ts";
import { agentRecord } from "../actors/agent-record.ts";
import { asking } from "../machines/asking.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { type TwoAgents, twoAgents } from "./two-agents.ts";

const scout = { principal: { name: "Scout's", scopes: new Set(scopes), agentId: "agent-1" }, requestId: "r" };

let place: TwoAgents["place"];
let ownRoom: string;
let context: CommandContext;
let waits: Waits;
let answering: TwoAgents["answering"];
let settled: TwoAgents["settled"];
let told: TwoAgents["told"];
let know: TwoAgents["know"];

beforeEach(async () => {
  ({ place, ownRoom, context, waits, answering, settled, told, know } = await twoAgents());
});

function message(input: object, as: Omit<Call, "signal"> = scout): Promise<unknown> {
  return settled(bind(agentsMessage, context).execute(input, { ...as, signal: new AbortController().signal }));
}

const lastEvent = () => place.homeserver.room(ownRoom).events.at(-1);
const listener = { userId: "@agent_2:test", ownRoomId: "", commanders: new Set<string>() };

describe("a message from agent to agent", () => {
  test("#29 is its own user's, in the other one's room, into which that one lets it", async () => {
    expect(await message({ to: "sage", text: "What is the weather?" })).toEqual({
      state: "asked",
      to: { agentId: "agent-2", name: "Sage" },
      room: ownRoom,
      event: lastEvent()?.eventId,
    });
    expect(lastEvent()).toMatchObject({
      sender: "@agent_1:test",
      content: { body: "What is the weather?", "m.mentions": { user_ids: ["@agent_2:test"] } },
    });
    expect(place.homeserver.room(ownRoom).state("m.room.member", "@agent_1:test")?.["membership"]).toBe("join");
  });

  test.each([
    ["Gone", "retired", {}],
    ["agent-9", "retired", {}],
    ["Gone", { retiring: { working: "marking" } }, { roomId: "!gone:test" }],
  ])("is not said to %s, who is %j, and does not promise that it will be in a moment", async (to, life, where) => {
    const value = { account: "online", room: "offline", intake: "deaf", life };
    know(agentRecord("agent-9", value, { name: "Gone", userId: "@agent_9:test", ...where }));
    await expect(message({ to, text: "x" })).rejects.toMatchObject({
      name: "AgentRetired",
      message: `"${to}" is retired: Letta does not have it any more`,
      remedy: expect.not.stringContaining("moment"),
    });
  });

  test("is told to try again where the other one's room is being made", async () => {
    const value = { account: "online", room: { provisioning: "creating" }, intake: "deaf", life: "live" };
    know(agentRecord("agent-9", value, { name: "Fresh", userId: "@agent_9:test" }));
    await expect(message({ to: "Fresh", text: "x" })).rejects.toThrow(NoRoomYet);
  });

  test("names the agent that asks to the one that is asked", async () => {
    await message({ to: "agent-2", text: "hello" });
    const event = lastEvent();
    const heard = event && hear(event, ownRoom, { ...listener, ownRoomId: ownRoom });
    expect(heard).toMatchObject({
      kind: "question",
      question: { from: { agentId: "agent-1", name: "Scout", hops: 1 } },
    });
  });

  test("#28 is heard in any room where the other one is mentioned", async () => {
    await message({ to: "agent-2", text: "hello" });
    const event = lastEvent();
    expect(event && hear(event, "!elsewhere:test", listener)).toMatchObject({ kind: "question" });
  });

  test("is said once under one key", async () => {
    const first = await message({ to: "Sage", text: "once", key: "k" });
    expect(await message({ to: "Sage", text: "once", key: "k" }, { ...scout, requestId: "another" })).toEqual(first);
    expect(place.homeserver.room(ownRoom).events.filter(({ content }) => content["body"] === "once")).toHaveLength(1);
  });

  test("counts through how many agents it came, and #27 stops at the limit, visibly", async () => {
    answering("agent-1", 9);
    await message({ to: "Sage", text: "go on" });
    expect(lastEvent()?.content["io.letta_matrix.hops"]).toBe(10);
    answering("agent-1", 10);
    await expect(message({ to: "Sage", text: "and on" })).rejects.toThrow(TooManyHops);
    expect(lastEvent()?.content["body"]).toBe("go on");
  });

  test("of two that are told to talk for ever stops at the limit that the operator has set, and is told so", async () => {
    context = { ...context, talk: { mostHops: 4 } };
    const agents = [
      { agentId: "agent-1", name: "Scout", own: place.roomId },
      { agentId: "agent-2", name: "Sage", own: ownRoom },
    ];
    let refused: unknown;
    let said = 0;
    for (; refused === undefined && said < 50; said += 1) {
      const [speaker, hearer] = said % 2 === 0 ? agents : [...agents].reverse();
      const as = { principal: { ...scout.principal, agentId: speaker?.agentId ?? "" }, requestId: `r-${said}` };
      refused = await message({ to: hearer?.name, text: "And you?" }, as).then(
        () => undefined,
        (error: unknown) => error,
      );
      const event = place.homeserver.room(hearer?.own ?? "").events.at(-1);
      const listening = { ...listener, userId: `@${hearer?.agentId.replace("-", "_")}:test` };
      const heard = event && hear(event, hearer?.own ?? "", { ...listening, ownRoomId: hearer?.own ?? "" });
      // The one that hears it answers it, and says the next thing meanwhile.
      if (heard?.kind === "question" && refused === undefined)
        answering(hearer?.agentId ?? "", heard.question.from?.hops ?? 0);
    }
    expect(said).toBe(5);
    expect(refused).toMatchObject({
      message: expect.stringContaining("gone through 4 agents"),
      remedy: expect.stringContaining("Answer whoever asked"),
    });
  });

  test.each([
    ["the tool of an App Server", { ...scout, conversationId: "letta-1" }],
    ["a token", scout],
  ])("#27 of one that waits for each answer, and asks on by %s, stops at the limit within one turn", async (_, as) => {
    const talk = asking();
    know(talk.record);
    const { host: others } = context;
    const host: CommandContext["host"] = {
      ...others,
      accept: async (to, event, options) => {
        if (to !== talk.record.id) return others.accept(to, event, options);
        talk.send(event);
        know(talk.record);
      },
    };
    const answers = { wait: async () => ({ outcome: "answer" as const, text: "And you?" }) };
    context = { ...context, host, answers, talk: { mostHops: 4 } };
    const ask = (n: number) => message({ to: "Sage", text: `${n}?`, wait: 60 }, { ...as, requestId: `r-${n}` });
    const hops: unknown[] = [];
    for (const n of [1, 2]) {
      expect(await ask(n)).toMatchObject({ state: "answered" });
      hops.push(lastEvent()?.content["io.letta_matrix.hops"]);
    }
    expect(hops).toEqual([1, 3]);
    await expect(ask(3)).rejects.toThrow(TooManyHops);
    expect(lastEvent()?.content["body"]).toBe("2?");
    // What it is asked next has come through nobody.
    talk.done("ask", { text: "We have talked." });
    talk.done("reply");
    know(talk.record);
    expect(await ask(4)).toMatchObject({ state: "answered" });
  });

  test("is never waited for in a circle: A asks B, which asks A back, and neither waits for ever", async () => {
    const answer = Promise.withResolvers<{ outcome: "answer"; text: string }>();
    context = { ...context, answers: { wait: () => answer.promise } };
    const sage = { principal: { ...scout.principal, agentId: "agent-2" }, requestId: "r-2" };
    const first = message({ to: "Sage", text: "What do you think?", wait: 60 });
    await expect(message({ to: "Scout", text: "What do you?", wait: 60 }, sage)).rejects.toThrow(Deadlock);
    // Without waiting it may ask back, and then answers.
    expect(await message({ to: "Scout", text: "What do you?" }, { ...sage, requestId: "r-3" })).toMatchObject({
      state: "asked",
    });
    answer.resolve({ outcome: "answer", text: "Yes." });
    expect(await first).toMatchObject({ state: "answered", answer: { text: "Yes." } });
  });

  test("is refused where each would wait for the other, and nothing is said", async () => {
    waits.begin("agent-2", "agent-1");
    await expect(message({ to: "Sage", text: "and you?", wait: 30 })).rejects.toThrow(Deadlock);
    expect(lastEvent()?.type).not.toBe("m.room.message");
    expect(await message({ to: "Sage", text: "and you?" })).toMatchObject({ state: "asked" });
  });

  test("brings the answer back to whoever waits", async () => {
    context = { ...context, answers: { wait: async () => ({ outcome: "answer", text: "Sunny." }) } };
    expect(await message({ to: "Sage", text: "weather?", wait: 5 })).toMatchObject({
      state: "answered",
      answer: { outcome: "answer", text: "Sunny." },
    });
    // Whoever has waited does not wait any more.
    waits.begin("agent-2", "agent-1");
  });

  describe("from within a turn", () => {
    const room = "!any:test";
    const inTurn = { ...scout, conversationId: "conv-1" };
    const atLetta: Omit<Call, "signal"> = { ...scout, principal: { ...scout.principal, attached: true } };

    beforeEach(() => answering("agent-1", 0, room));

    test("is written down there before it is said, and says where the answer is wanted", async () => {
      expect(await message({ to: "Sage", text: "later" }, inTurn)).toMatchObject({ state: "asked", comesBack: true });
      const to = addressOf.conversation("test", "agent-1", room);
      const about = { eventId: "$q", sender: "@anna:test" };
      expect(told).toMatchObject([{ to, event: { type: "ASKING", name: "Sage", about } }]);
      const event = lastEvent();
      const heard = event && hear(event, ownRoom, { ...listener, ownRoomId: ownRoom });
      const key = expect.stringMatching(/^[\w-]{43}$/);
      expect(heard).toMatchObject({ question: { from: { replyTo: { roomId: room, key } } } });
    });

    test("comes back by the agent's token that Letta shows, and by nobody's who says something in its name meanwhile", async () => {
      const of = (principal: Principal, input = {}) =>
        message({ to: "Sage", text: "payroll?", ...input }, { principal, requestId: JSON.stringify(principal) });
      const program: Principal = { name: "script", scopes: new Set(scopes) };
      expect(await of(program, { agent: "Scout" })).not.toHaveProperty("comesBack");
      expect(await of({ ...program, agentId: "agent-1" })).not.toHaveProperty("comesBack");
      expect(told).toEqual([]);
      expect(lastEvent()?.content).not.toHaveProperty("io.letta_matrix.reply_to");
      const attached = await of({ ...program, agentId: "agent-1", attached: true });
      expect(attached).toMatchObject({ comesBack: true });
      expect(told).toMatchObject([{ event: { type: "ASKING" } }]);
    });

    test("is not told again what the tool has given", async () => {
      context = { ...context, answers: { wait: async () => ({ outcome: "answer", text: "Sunny." }) } };
      const result = await message({ to: "Sage", text: "weather?", wait: 5 }, inTurn);
      expect(result).toMatchObject({ state: "answered" });
      expect(result).not.toHaveProperty("comesBack");
      expect(told.map(({ event }) => event)).toMatchObject([{ type: "ASKING" }, { type: "HEARD" }]);
    });

    test("nobody is told where it is refused at once", async () => {
      place.homeserver.fail("send", matrixError("refused"));
      await expect(message({ to: "Sage", text: "no" }, inTurn)).rejects.toThrow(NotDone);
      expect(told.map(({ event }) => event)).toMatchObject([{ type: "ASKING" }, { type: "HEARD" }]);
    });

    test("that waits to be said is still told what comes of it, when the call is repeated while much waits", async () => {
      place.homeserver.fail("send", matrixError("unreachable"), Number.POSITIVE_INFINITY);
      const ask = () => message({ to: "Sage", text: "later", key: "k" }, inTurn);
      expect(await ask()).toMatchObject({ state: "accepted", comesBack: true });
      const outbox = addressOf.outbox("test", "@agent_1:test", ownRoom);
      for (let n = 1; n < mostQueued; n++) {
        const errand = { key: `${n}`, what: { kind: "message", text: "x" } };
        await context.host.accept(outbox, { type: "SEND", errand }, { id: `${n}` });
      }
      expect(await ask()).toMatchObject({ state: "accepted", comesBack: true });
      expect(told.map(({ event }) => event["type"])).not.toContain("HEARD");
      await expect(message({ to: "Sage", text: "another" }, inTurn)).rejects.toThrow(RoomBusy);
    });

    test("comes back nowhere from another conversation, from two at a time, and from the asked one's own room", async () => {
      for (const prepare of [
        () => message({ to: "Sage", text: "x" }, { ...scout, conversationId: "another" }),
        () => {
          answering("agent-1", 0, ownRoom);
          return message({ to: "Sage", text: "x" }, atLetta);
        },
      ])
        expect(await prepare()).not.toHaveProperty("comesBack");
      expect(told).toEqual([]);
    });
  });

  test("is refused to who is bound to another agent, to nobody in particular, and to the agent itself", async () => {
    await expect(message({ to: "Sage", text: "x", agent: "Sage" })).rejects.toThrow(NotYours);
    await expect(message({ to: "Scout", text: "x" })).rejects.toThrow(OwnSelf);
    const principal: Principal = { name: "script", scopes: new Set(scopes) };
    await expect(message({ to: "Sage", text: "x" }, { principal, requestId: "r" })).rejects.toThrow(NobodyAsks);
    expect(await message({ to: "Sage", text: "x", agent: "Scout" }, { principal, requestId: "r" })).toMatchObject({
      state: "asked",
    });
  });
});

describe("who waits for whom", () => {
  test("is seen around corners, and forgotten when it is over", () => {
    const ends = [waits.begin("a", "b"), waits.begin("b", "c")];
    expect(() => waits.begin("c", "a")).toThrow(Deadlock);
    for (const end of ends) end();
    waits.begin("c", "a");
  });
});

test("a mark that names another agent than its sender is not believed", () => {
  const content = {
    msgtype: "m.text",
    body: "hi",
    "m.mentions": { user_ids: [listener.userId] },
    "m.letta.from_agent_id": "agent-3",
  };
  const event = { eventId: "$e", type: "m.room.message", sender: "@agent_1:test", content, originServerTs: 1 };
  const heard = hear(event, "!any:test", listener);
  expect(heard?.kind === "question" && heard.question.from).toBeUndefined();
});
