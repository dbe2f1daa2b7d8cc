import { describe, expect, test } from "vitest";
import type { PollInput, ReadInput } from "../../src/machines/agent/context.ts";
import type { Heard } from "../../src/machines/question.ts";
import { type Agent, nothing, polling, provision, resolving } from "./agents.ts";
import { failure } from "./chart-driver.ts";
import { question } from "./charts-under-test.ts";

const silent = "!silent:test";

function said(n: number, roomId = silent): Heard {
  return { kind: "question", roomId, question: question(n) };
}

function toldIn({ tells }: Agent): readonly unknown[] {
  return tells.filter(({ event: { type } }) => type === "MESSAGE").map(({ id }) => id);
}

/** An agent that is told what is said, and could not read the past of a room. */
function owing(): Agent {
  const agent = resolving();
  provision(agent);
  agent.done("catchUp", { ...nothing, pushes: true, unheard: [{ roomId: silent }], heard: [said(1, "!room:test")] });
  return agent;
}

function waitOut(agent: Agent): void {
  const [timer] = [...agent.timers.keys()].filter((id) => id.includes("arrears"));
  agent.fire(timer ?? "none");
}

describe("an agent that could not read what was said in one room", () => {
  test("hands on what it heard in the others, and goes on listening to them", () => {
    const agent = owing();
    expect(agent.in("intake.pushed")).toBe(true);
    agent.send({ type: "PUSHED", heard: [said(2, "!other:test")] });
    expect(toldIn(agent)).toEqual(["$question-1", "$question-2"]);
    expect(agent.context.owed).toEqual([{ roomId: silent, tries: 0 }]);
  });

  test("reads that room afterwards, and hears of it as of any other from then on", () => {
    const agent = owing();
    waitOut(agent);
    expect(agent.inputOf<ReadInput>("readOwed").room).toEqual({ roomId: silent, tries: 0 });
    agent.done("readOwed", { roomId: silent, heard: [said(2)] });
    expect(agent.context.owed).toBeUndefined();
    expect(agent.in("arrears.settled")).toBe(true);
    agent.send({ type: "PUSHED", heard: [said(3)] });
    expect(toldIn(agent)).toEqual(["$question-1", "$question-2", "$question-3"]);
  });

  test("keeps to itself what is said there meanwhile: answered, it would pass for the end of what is to be answered", () => {
    const agent = owing();
    agent.send({ type: "PUSHED", heard: [said(2)] });
    expect(toldIn(agent)).toEqual(["$question-1"]);
    waitOut(agent);
    agent.done("readOwed", { roomId: silent, heard: [said(3), said(2)] });
    expect(toldIn(agent)).toEqual(["$question-1", "$question-3", "$question-2"]);
  });

  test("reads once more when something was said there while it read", () => {
    const agent = owing();
    waitOut(agent);
    agent.send({ type: "PUSHED", heard: [said(2)] });
    agent.done("readOwed", { roomId: silent, heard: [] });
    expect(agent.context.owed).toMatchObject([{ roomId: silent }]);
    waitOut(agent);
    agent.done("readOwed", { roomId: silent, heard: [said(2)] });
    expect(toldIn(agent)).toEqual(["$question-1", "$question-2"]);
    expect(agent.context.owed).toBeUndefined();
  });

  test("reads once more when it looked back while it read: that look left the room out", () => {
    const agent = owing();
    waitOut(agent);
    agent.send({ type: "LOOK_BACK" });
    expect(agent.inputOf<PollInput>("catchUp").owed).toMatchObject([{ roomId: silent }]);
    agent.done("readOwed", { roomId: silent, heard: [] });
    agent.done("catchUp", { ...nothing, pushes: true, unheard: [{ roomId: silent }] });
    expect(agent.context.owed).toEqual([{ roomId: silent, tries: 0 }]);
    expect(agent.in("arrears.waiting")).toBe(true);
  });

  test("tries it ever less often, tells why, and tries the other rooms in turn", () => {
    const agent = owing();
    agent.send({ type: "LOOK_BACK" });
    agent.done("catchUp", { ...nothing, pushes: true, unheard: [{ roomId: silent }, { roomId: "!other:test" }] });
    const waits = [];
    const read = [];
    for (let n = 0; n < 4; n++) {
      waits.push(
        [...agent.timers].filter(([id]) => id.includes("arrears")).map(([, wait]) => Math.round(wait / 1_000)),
      );
      waitOut(agent);
      read.push(agent.inputOf<ReadInput>("readOwed").room);
      agent.fail("readOwed", failure(n < 2 ? "unreadable" : "unreachable"));
    }
    expect(waits.flat().toSorted((a, b) => a - b)).toEqual(waits.flat());
    expect(agent.context.wait?.reason).toContain("it failed");
    expect(read).toMatchObject([
      { roomId: silent, tries: 0 },
      { roomId: "!other:test", tries: 0 },
      { roomId: silent, tries: 1 },
      { roomId: "!other:test", tries: 1 },
    ]);
    // Where the homeserver did not answer at all, that says nothing of a room.
    expect(agent.context.owed?.map(({ tries }) => tries)).toEqual([1, 1]);
  });

  test("leaves it out of its polls, too, and keeps since when", () => {
    const agent = polling();
    agent.done("poll", { since: "s2", heard: [], unheard: [{ roomId: silent, to: "s1" }] });
    expect(agent.inputOf<PollInput>("poll").owed).toEqual([{ roomId: silent, to: "s1", tries: 0 }]);
    agent.done("poll", { since: "s3", heard: [], unheard: [{ roomId: silent, to: "s2" }] });
    expect(agent.context.owed).toEqual([{ roomId: silent, to: "s1", tries: 0, again: true }]);
  });

  test("reads nothing while it is left out", () => {
    const agent = owing();
    agent.send({ type: "DISABLED" });
    expect(agent.in("arrears.settled")).toBe(true);
    agent.send({ type: "DISCOVERED", name: "Scout" });
    expect(agent.in("arrears.waiting")).toBe(true);
  });
});
