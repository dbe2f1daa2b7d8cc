import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PollInput } from "../../src/machines/agent/context.ts";
import type { Heard } from "../../src/machines/question.ts";
import { nothing, polling, resolving } from "./agents.ts";
import { failure } from "./chart-driver.ts";
import { question } from "./charts-under-test.ts";

describe("the intake", () => {
  const heard: Heard[] = [
    { kind: "cut", roomId: "!room:test", gap: "s1" },
    { kind: "question", roomId: "!room:test", question: question(1) },
    { kind: "question", roomId: "!elsewhere:test", question: question(2) },
    { kind: "edit", roomId: "!room:test", eventId: "$edit", edits: "$question-1", sender: "@anna:test", text: "new" },
  ];

  test.each(["catchUp", "poll"])("#6 moves the cursor of %s in the step that tells what it passed", (effect) => {
    const agent = effect === "poll" ? polling() : resolving();
    if (effect === "catchUp") agent.done("resolveRoom", { roomId: "!room:test" });
    const { tells, record } = agent.done(effect, { since: "s9", heard });
    expect(record.context["since"]).toBe("s9");
    expect(tells).toEqual([
      { to: "test/conversation/agent-1/!room%3Atest/", id: "cut s1", event: { type: "CUT", gap: "s1" } },
      {
        to: "test/conversation/agent-1/!room%3Atest/",
        id: "$question-1",
        event: { type: "MESSAGE", question: question(1) },
      },
      {
        to: "test/conversation/agent-1/!elsewhere%3Atest/",
        id: "$question-2",
        event: { type: "MESSAGE", question: question(2) },
      },
      {
        to: "test/conversation/agent-1/!room%3Atest/",
        id: "$edit",
        event: { type: "EDITED", edits: "$question-1", sender: "@anna:test", text: "new" },
      },
    ]);
    expect(agent.inputOf<PollInput>("poll").since).toBe("s9");
  });

  test("keeps its cursor when a poll fails, and looks at once whether all is well after the wait", () => {
    const agent = polling();
    agent.fail("poll", failure("unreachable"));
    expect(agent.tells.filter(({ event }) => event.type !== "SPACE_WANTED")).toEqual([]);
    expect(agent.context.wait).toBeDefined();
    agent.fireNext();
    expect(agent.inputOf<PollInput>("poll")).toEqual({
      userId: "@agent_1:test",
      roomId: "!room:test",
      spaceId: "!space:test",
      since: "s1",
      recovering: true,
    });
    agent.done("poll", nothing);
    expect(agent.context.wait).toBeUndefined();
    expect(agent.inputOf<PollInput>("poll")).not.toHaveProperty("recovering");
  });

  test("gives a cursor up that is refused three times in a row, and looks for what it missed", () => {
    const agent = polling();
    for (let n = 1; n <= 2; n++) {
      agent.fail("poll", failure("cursor"));
      agent.fireNext();
      expect(agent.inputOf<PollInput>("poll").since).toBe("s1");
    }
    agent.fail("poll", failure("cursor"));
    expect([...agent.running.keys()]).toEqual(["catchUp"]);
    expect(agent.inputOf<PollInput>("catchUp")).not.toHaveProperty("since");
    agent.done("catchUp", { since: "s9", heard: [] });
    expect(agent.inputOf<PollInput>("poll").since).toBe("s9");
    expect(agent.context.wait).toBeUndefined();
  });

  test("names each first look after a cursor was given up, so that what each cannot read is told of", () => {
    const agent = polling();
    const looks = [1, 2].map(() => {
      for (let n = 1; n <= 3; n++) {
        agent.fail("poll", failure("cursor"));
        if (n < 3) agent.fireNext();
      }
      const look = agent.inputOf<PollInput>("catchUp").lost;
      agent.fail("catchUp", failure("unreachable"));
      agent.fireNext();
      expect(agent.inputOf<PollInput>("catchUp").lost, "the same look").toBe(look);
      agent.done("catchUp", { since: "s1", heard: [] });
      return look;
    });
    expect(looks).toEqual([1, 2]);
    expect(agent.inputOf<PollInput>("poll")).not.toHaveProperty("lost");
  });

  test("keeps a cursor that is not refused three times in a row, whatever else fails", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("cursor", "refused", "unreachable", "forbidden"), { maxLength: 20 }),
        (kinds) => {
          const agent = polling();
          let inRow = 0;
          for (const kind of kinds) {
            inRow = kind === "cursor" ? inRow + 1 : 0;
            if (inRow === 3) return;
            agent.fail("poll", failure(kind));
            agent.fireNext();
            expect(agent.inputOf<PollInput>("poll").since).toBe("s1");
          }
        },
      ),
    );
  });

  test.each(["catchUp", "poll"])("answers the invitations that %s brought, and goes on hearing", (effect) => {
    const agent = effect === "poll" ? polling() : resolving();
    if (effect === "catchUp") agent.done("resolveRoom", { roomId: "!room:test" });
    const invited = [{ roomId: "!elsewhere:test", accept: true }];
    agent.done(effect, { since: "s9", heard: [], invited });
    expect(agent.actions).toMatchObject([{ name: "answerInvitations", input: { userId: "@agent_1:test", invited } }]);
    expect(agent.inputOf<PollInput>("poll").since).toBe("s9");
    agent.done("poll", nothing);
    expect(agent.actions, "nothing is done where nobody invites").toHaveLength(1);
  });

  test("starts once the account is back, also when its own wait ended before", () => {
    const agent = polling();
    agent.send({ type: "TOKEN_REFUSED" });
    agent.fail("ensureAccount", failure("unreachable"));
    expect(agent.in("intake.deaf")).toBe(true);
    agent.fire("xstate.after.accountRetry.agent.account.backingOff");
    agent.done("ensureAccount");
    expect(agent.in("intake.polling")).toBe(true);
  });
});
