import { beforeEach, describe, expect, test } from "vitest";
import { conversationBehaviour } from "../../../src/actors/conversation/behaviour.ts";
import { SendBudgets } from "../../../src/actors/conversation/draft-budget.ts";
import { Markdown } from "../../../src/actors/conversation/markdown.ts";
import { RecentFinals } from "../../../src/actors/outside/recent-finals.ts";
import { type EndedRun, OutsideRuns, registeredFor } from "../../../src/commands/outside/outside-runs.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import type { ActorRecord } from "../../../src/runtime/record.ts";
import { agentRecord } from "../../actors/agent-record.ts";
import { anna, type Town, town } from "../../actors/town.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { FakeLetta, type Happening, saying } from "../../ports/fake-letta.ts";
import { memoryHost } from "../../runtime/memory-host.ts";
import { until } from "../../runtime/until.ts";

const never = new AbortController().signal;
const agent = addressOf.agent("test", "agent-1");

/** An agent whose conversations are the real ones, with a Letta whose turns are written down beforehand. */
async function world() {
  const t = await town();
  const letta = new FakeLetta();
  letta.agents = [{ id: "agent-1", name: "Scout" }];
  const { clock, sessions } = t;
  const budgets = new SendBudgets({ ratePerSecond: 1, burst: 10 }, clock);
  const { host } = await memoryHost({
    clock,
    behaviours: [
      conversationBehaviour({
        letta,
        sessions,
        directory: { isPaused: () => false },
        budgets,
        clock,
        markdown: new Markdown(),
      }),
    ],
  });
  const records = new Map<string, ActorRecord>([
    [agent, agentRecord("agent-1", { life: "live", room: "ready" }, { roomId: t.roomId })],
  ]);
  const open = () =>
    new OutsideRuns({
      server: "test",
      clock,
      finals: new RecentFinals(sessions),
      host: { read: (id) => records.get(id) ?? host.read(id), list: (realm, machine) => host.list(realm, machine) },
    });
  return {
    ...t,
    letta,
    host,
    records,
    open,
    async ask(text: string, roomId = t.roomId) {
      const { eventId } = t.homeserver.post(roomId, { sender: anna, content: { msgtype: "m.text", body: text } });
      const question = { eventId, sender: anna, sentAt: clock.now(), text, mentioned: false };
      await host.accept(addressOf.conversation("test", "agent-1", roomId), { type: "MESSAGE", question });
    },
    /** Until nothing is being answered in the room. */
    async rest(roomId = t.roomId) {
      await until(async () => {
        await clock.pass(0);
        const record = host.read(addressOf.conversation("test", "agent-1", roomId));
        return record?.value === "idle" && record.context["current"] === undefined;
      });
    },
  };
}

type World = Awaited<ReturnType<typeof world>> & Town;

let w: World;
let outside: OutsideRuns;

beforeEach(async () => {
  w = await world();
  outside = w.open();
});

function run(texts: readonly string[], rest: Partial<EndedRun> = {}): EndedRun {
  return { agentId: "agent-1", stopReason: "end_turn", texts, at: w.clock.now(), ...rest };
}

const toPost = (text: string) => ({ kind: "outside", roomId: w.roomId, text });

describe("#2 two ways by which an answer could come", () => {
  test("what the conversation has answered is not posted once more, whatever joins its messages", async () => {
    w.letta.turns = [saying("It is sunny.", "Shall I go on?")];
    await w.ask("what is the weather?");
    await w.rest();
    for (const texts of [
      ["It is sunny.", "Shall I go on?"],
      ["It is sunny.\n\nShall I go on?"],
      [" It is sunny. \n Shall I go on?"],
    ])
      expect(await outside.judge(run(texts), never)).toMatchObject({ kind: "not-to-post" });
  });

  test("neither is one in another room than its own", async () => {
    const other = w.homeserver.makeRoom(w.userId);
    w.homeserver.setMember(other, anna, "join");
    w.letta.turns = [saying("Said elsewhere.")];
    await w.ask("hello", other);
    await w.rest(other);
    expect(await outside.judge(run(["Said elsewhere."]), never)).toMatchObject({ kind: "not-to-post" });
  });

  test("neither is one that an earlier process has answered: the room tells", async () => {
    w.letta.turns = [saying("Before the restart.")];
    await w.ask("hello");
    await w.rest();
    const later = w.open();
    expect(await later.judge(run(["Before the restart."]), never)).toMatchObject({ kind: "not-to-post" });
  });

  test("a long answer in parts is known again, and so is one of the runs that it came of", async () => {
    const paragraphs = Array.from(
      { length: 3 },
      (_, index) => `Part ${index}. ${"Many words in a row. ".repeat(1_500)}`,
    );
    w.letta.turns = [saying(...paragraphs)];
    await w.ask("tell me all");
    await w.rest();
    expect(w.homeserver.count("send", w.userId)).toBeGreaterThan(2);
    expect(await outside.judge(run(paragraphs), never)).toMatchObject({ kind: "not-to-post" });
    expect(await outside.judge(run(paragraphs.slice(1, 2)), never)).toMatchObject({ kind: "not-to-post" });
  });

  test("while a turn is under way nothing is decided; its answer is known as soon as it stands", async () => {
    const answered = Promise.withResolvers<void>();
    const turn: Happening[] = [{ type: "accepted" }, () => answered.promise, ...saying("Here it is.").slice(1)];
    w.letta.turns = [turn];
    await w.ask("hello");
    await until(() => w.letta.calls.includes("ask"));
    const verdict = outside.judge(run(["Here it is."]), never);
    await w.clock.pass(2_000);
    answered.resolve();
    await w.rest();
    await w.clock.pass(1_000);
    expect(await verdict).toMatchObject({ kind: "not-to-post" });
  });

  test("an answer from outside that comes in the middle of a turn waits for its end, and is then posted", async () => {
    const answered = Promise.withResolvers<void>();
    w.letta.turns = [[{ type: "accepted" }, () => answered.promise, ...saying("Something else.").slice(1)]];
    await w.ask("hello");
    await until(() => w.letta.calls.includes("ask"));
    const verdict = outside.judge(run(["From outside."]), never);
    await w.clock.pass(2_000);
    answered.resolve();
    await w.rest();
    await w.clock.pass(1_000);
    expect(await verdict).toEqual(toPost("From outside."));
  });

  test("a turn that goes on for longer is not waited for: it is to be told again", async () => {
    w.letta.turns = [[{ type: "accepted" }, () => new Promise(() => undefined)]];
    await w.ask("hello");
    await until(() => w.letta.calls.includes("ask"));
    const verdict = outside.judge(run(["From outside."]), never);
    for (let second = 0; second < 12; second++) await w.clock.pass(1_000);
    expect(await verdict).toMatchObject({ kind: "undecided", retryAfterMs: 30_000 });
  });

  test("what was stopped, failed, or waits for an approval is not posted", async () => {
    for (const stopReason of ["cancelled", "error", "requires_approval"])
      expect(await outside.judge(run(["Half a"], { stopReason }), never)).toMatchObject({ kind: "not-to-post" });
  });

  test("a registered turn is somebody else's to answer, for five minutes", async () => {
    outside.register("agent-1");
    expect(await outside.judge(run(["Answered elsewhere."]), never)).toMatchObject({ kind: "not-to-post" });
    w.clock.advance(registeredFor - 1);
    expect(await outside.judge(run(["Answered elsewhere."]), never)).toMatchObject({ kind: "not-to-post" });
    w.clock.advance(1);
    expect(await outside.judge(run(["Answered elsewhere."]), never)).toEqual(toPost("Answered elsewhere."));
  });

  test("registering one agent says nothing of another, and any number of them is borne", async () => {
    for (let index = 0; index < 20_000; index++) outside.register(`agent-${index + 2}`);
    expect(await outside.judge(run(["Mine."]), never)).toEqual(toPost("Mine."));
  });
});

describe("an answer from outside", () => {
  test("is to be posted into the agent's own room", async () => {
    w.letta.turns = [saying("Something else.")];
    await w.ask("hello");
    await w.rest();
    expect(await outside.judge(run(["One.", " ", "Two."]), never)).toEqual(toPost("One.\n\nTwo."));
  });

  test("that says the same as an answer of days ago is another one", async () => {
    w.letta.turns = [saying("Good morning.")];
    await w.ask("hello");
    await w.rest();
    w.clock.advance(3 * 24 * 3_600_000);
    expect(await outside.judge(run(["Good morning."]), never)).toEqual(toPost("Good morning."));
  });

  test("is not taken for an answer that merely has its few words in it", async () => {
    w.letta.turns = [saying("It looks OK to me.")];
    await w.ask("hello");
    await w.rest();
    expect(await outside.judge(run(["OK"]), never)).toEqual(toPost("OK"));
  });

  test.each([[[]], [[""]], [["<no-reply/>"]], [["Never mind.", "<no-reply/>"]]])(
    "with nothing to say: %j",
    async (texts) => {
      expect(await outside.judge(run(texts), never)).toMatchObject({ kind: "not-to-post" });
    },
  );

  test("of an agent that is not here, or not any more, is nobody's", async () => {
    await expect(outside.judge(run(["x"], { agentId: "agent-9" }), never)).rejects.toMatchObject({
      name: "NoSuchAgent",
    });
    w.records.set(agent, agentRecord("agent-1", { life: "retired" }, { roomId: w.roomId }));
    await expect(outside.judge(run(["x"]), never)).rejects.toMatchObject({ name: "NoSuchAgent" });
  });

  test("waits for the agent's room, and for a homeserver that does not answer", async () => {
    w.homeserver.fail("messages", matrixError("unreachable"));
    expect(await outside.judge(run(["x"]), never)).toMatchObject({ kind: "undecided" });
    w.homeserver.fail("messages", matrixError("limited", 7_000));
    expect(await outside.judge(run(["x"]), never)).toMatchObject({ kind: "undecided", retryAfterMs: 7_000 });
    w.records.set(agent, agentRecord("agent-1", { life: "live" }));
    expect(await outside.judge(run(["x"]), never)).toMatchObject({ kind: "undecided" });
  });

  test("is not held up by a turn that waits for people", async () => {
    w.letta.turns = [
      [
        { type: "accepted" },
        async () => {
          void w.letta.asked.at(-1)?.askPerson?.({ id: "call-1", name: "Bash", input: {} }, never);
          await new Promise(() => undefined);
        },
      ],
    ];
    await w.ask("do it");
    await until(async () => {
      await w.clock.pass(0);
      return JSON.stringify(w.host.read(addressOf.conversation("test", "agent-1", w.roomId))?.value).includes(
        "awaiting",
      );
    });
    expect(await outside.judge(run(["From outside."]), never)).toEqual(toPost("From outside."));
  });
});
