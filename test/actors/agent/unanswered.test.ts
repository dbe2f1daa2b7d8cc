import { describe, expect, test } from "vitest";
import { type Bounds, overlap, unansweredIn } from "../../../src/actors/agent/unanswered.ts";
import type { MatrixEvent } from "../../../src/matrix/port.ts";
import { town } from "../town.ts";

const minute = 60_000;
const noon = Date.parse("2026-11-28T12:00:00Z");
const further: Bounds = { floor: 0, doubtful: noon - 1_440 * minute };

/** What is said, each at its time by whatever clock: a number of minutes after noon. */
class Talk {
  readonly timeline: MatrixEvent[] = [];

  says(name: string, minutes: number, content: Record<string, unknown> = { body: name }, sender = "@anna:test"): this {
    const eventId = `$${name}`;
    this.timeline.push({ eventId, type: "m.room.message", sender, originServerTs: noon + minutes * minute, content });
    return this;
  }

  answers(name: string, minutes: number): this {
    const mark = { cause: `$${name}`, attempt: 1, part: 1, parts: 1, final: true, outcome: "answer", hops: 0 };
    return this.says(`answer to ${name}`, minutes, { "io.letta_matrix.turn": mark }, "@agent_1:test");
  }
}

async function questionsIn(talk: Talk, bounds: Bounds = further): Promise<string[]> {
  const client = (await town()).sessions.as("@agent_1:test");
  const room = { roomId: "!room:test", timeline: talk.timeline, limited: false, state: [] };
  const { events, answered } = await unansweredIn(client, room, bounds, [], new AbortController().signal);
  return events.flatMap(({ eventId, sender }) => (sender === "@anna:test" && !answered.has(eventId) ? [eventId] : []));
}

describe("what is searched past the newest answered question", () => {
  test("is what was said in the ten minutes before, by our own homeserver's clock if that of its asker's is ahead", async () => {
    const ahead = overlap / minute + 1;
    const talk = new Talk().says("unanswered", 0).says("answered", ahead).answers("answered", 1);
    expect(await questionsIn(talk)).toEqual(["$unanswered"]);
  });

  test("goes by the question's time where it was answered long after it was asked", async () => {
    const talk = new Talk().says("unanswered", 0).says("answered", 1).says("chat", 100).answers("answered", 101);
    expect(await questionsIn(talk)).toEqual(["$unanswered", "$chat"]);
  });

  test("does not end at one event with an odd time, which is not taken for one of these minutes either", async () => {
    const talk = new Talk().says("unanswered", 0).says("bridged", -300).says("answered", 1).answers("answered", 2);
    expect(await questionsIn(talk)).toEqual(["$unanswered"]);
  });

  test("ends at an answer of ours from before, whatever the times before that", async () => {
    const talk = new Talk().says("wrong clock", 0).says("before", -31).answers("before", -30);
    talk.says("answered", 1).answers("answered", 2);
    expect(await questionsIn(talk)).toEqual([]);
  });

  test("ends where enough are from before", async () => {
    const talk = new Talk().says("wrong clock", 0);
    for (let n = 0; n < 20; n++) talk.says(`before ${n}`, -30);
    talk.says("answered", 1).answers("answered", 2);
    expect(await questionsIn(talk)).toEqual([]);
  });

  test("is nothing where nothing before the answered question is doubtful", async () => {
    const talk = new Talk().says("before", 0).says("answered", 1).answers("answered", 2);
    expect(await questionsIn(talk, { floor: 0 })).toEqual([]);
  });
});

test("one event that says that it is from before the agent was there does not hide what was said since", async () => {
  const talk = new Talk().says("long before", -60).says("since", 1).says("bridged", -300).says("new", 2);
  expect(await questionsIn(talk, { floor: noon })).toEqual(["$since", "$new"]);
});
