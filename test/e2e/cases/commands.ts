import { expect, it } from "vitest";
import { answered, answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { Person } from "../person.ts";
import { markOf } from "../room-event.ts";
import type { Shown } from "../shown.ts";
import type { Resident, World } from "../world.ts";

/** The notice with which the agent answers a command. */
async function noticeTo(person: Person, agent: Resident, eventId: string): Promise<string> {
  const notice = await person.until(`a word to ${eventId}`, () =>
    saidBy(person, agent).find(({ inReplyTo, mark }) => inReplyTo === eventId && mark === undefined),
  );
  expect(notice.msgtype).toBe("m.notice");
  return notice.body;
}

/** Nothing that stands in the rooms as a command was read by a model. */
function expectNeverAsked({ stack }: World): void {
  for (const { question } of stack.model.calls()) expect(question).not.toMatch(/[!/](stop|retry|approve|deny)\s*$/);
}

/** How often the agent has ended its work on the question, and how. */
export function endsOf(person: Person, agent: Resident, questionId: string): (string | undefined)[] {
  const marks = person.events(agent.roomId).map(({ content }) => markOf(content));
  return marks.filter((mark) => mark?.cause === questionId && mark.final).map((mark) => mark?.outcome);
}

export function commands(world: () => World): void {
  it("#24 !stop ends the turn: what was written stands, marked, and nothing of it appears later", async () => {
    const { anna } = world();
    const agent = await world().agent("Stopped");
    const long = await world().askForLong(agent, "Write.");
    const draft = await draftOf(anna, agent, long.questionId);
    await anna.say(agent.roomId, "!stop");
    const { outcome, text } = await answerTo(anna, agent, long.questionId);
    expect(outcome).toBe("error");
    expect(text).toMatch(/nonce=[\s\S]*\(Stopped\.\)$/);
    expect(text).not.toContain("The end.");
    const next = await world().ask(agent, "And now?");
    const { text: after } = await answerTo(anna, agent, next.questionId);
    expect(after).toContain(`nonce=${next.nonce}`);
    expect(after).not.toContain(long.nonce);
    expectOneAnswerEach(anna, agent, [long.questionId, next.questionId]);
    expect(saidBy(anna, agent)[0]?.eventId).toBe(draft.eventId);
    expect(world().calls(long.nonce)).toHaveLength(1);
    expectNeverAsked(world());
  });

  it("#24 /stop ends a turn whose model has fallen silent, and the next message works", async () => {
    const { anna } = world();
    const agent = await world().agent("Stopped in silence");
    const stuck = await world().ask(agent, "Stall. [[words=20]] [[stall=8]]");
    await draftOf(anna, agent, stuck.questionId);
    await anna.say(agent.roomId, "/stop");
    const { text } = await answerTo(anna, agent, stuck.questionId);
    expect(text).toMatch(/\(Stopped\.\)$/);
    const next = await world().ask(agent, "Still there?");
    expect((await answerTo(anna, agent, next.questionId)).outcome).toBe("answer");
    expectOneAnswerEach(anna, agent, [stuck.questionId, next.questionId]);
  });

  it("!retry asks again what ended with an error, and that is answered once", async () => {
    const { anna } = world();
    const agent = await world().agent("Tried again");
    const failing = await world().ask(agent, "Fail once. [[error=400]] [[times=1]]");
    expect((await answerTo(anna, agent, failing.questionId)).outcome).toBe("error");
    await anna.say(agent.roomId, "!retry");
    await anna.until("the second end", () => endsOf(anna, agent, failing.questionId)[1]);
    expect(endsOf(anna, agent, failing.questionId)).toEqual(["error", "answer"]);
    expect(answered(anna.events(agent.roomId), failing.questionId)?.text).toContain(`nonce=${failing.nonce}`);
    const again = await anna.say(agent.roomId, "!retry");
    expect(await noticeTo(anna, agent, again)).toMatch(/nothing to try again/);
    const stop = await anna.say(agent.roomId, "!stop");
    expect(await noticeTo(anna, agent, stop)).toMatch(/nothing to stop/);
    expect(world().calls(failing.nonce)).toHaveLength(2);
    expectNeverAsked(world());
  });

  it("a command of somebody whom the operator has not named changes nothing", async () => {
    const { anna, admin } = world();
    const agent = await world().agent("Not to be commanded");
    const slow = await world().ask(agent, "Write. [[words=40]] [[tps=5]]");
    await draftOf(anna, agent, slow.questionId);
    const room = encodeURIComponent(agent.roomId);
    await anna.request("POST", `/rooms/${room}/invite`, { user_id: admin.userId });
    await admin.request("POST", `/join/${room}`, {});
    const stop = await admin.say(agent.roomId, "!stop");
    expect(await noticeTo(anna, agent, stop)).toMatch(/Only people whom the operator has named/);
    expect((await answerTo(anna, agent, slow.questionId)).outcome).toBe("answer");
  });

  it("#23 a tool call waits until a person has approved it, by a sign on the request or a word", async () => {
    const { anna, bert } = world();
    const agent = await world().agent("Approved");
    const asked = await world().ask(agent, "Run. [[bash=echo it-$((40 + 2))]]");
    const request = await requestIn(anna, agent, asked.questionId);
    expect(request.body).toMatch(/^May I use the tool Bash with .*echo it-/);
    const meanwhile = await world().ask(agent, "And this?");
    expect(await noticeTo(anna, agent, meanwhile.questionId)).toMatch(/!approve or !deny/);
    expect(world().calls(meanwhile.nonce)).toEqual([]);
    await bert.until("Bert's invitation", () => bert.inviter(agent.roomId));
    await bert.join(agent.roomId);
    await bert.react(agent.roomId, request.eventId, "✅");
    const { text } = await answerTo(anna, agent, asked.questionId);
    expect(text).toContain("it-42");
    expect(await bodyOf(anna, agent, request.eventId, /Approved by/)).toContain(bert.userId);
    expect((await answerTo(anna, agent, meanwhile.questionId)).outcome).toBe("answer");
    expectOneAnswerEach(anna, agent, [asked.questionId, meanwhile.questionId]);
    const late = await anna.say(agent.roomId, "!approve");
    expect(await noticeTo(anna, agent, late)).toMatch(/nothing to approve/);
  });

  it("#23 a tool call that a person denies does not run, and the agent says so", async () => {
    const { anna } = world();
    const agent = await world().agent("Denied");
    const asked = await world().ask(agent, "Run. [[bash=echo it-$((40 + 2))]]");
    const request = await requestIn(anna, agent, asked.questionId);
    await anna.say(agent.roomId, "!deny");
    const { text, outcome } = await answerTo(anna, agent, asked.questionId);
    expect(outcome).toBe("answer");
    expect(text).toContain(`Denied by ${anna.userId}`);
    expect(text).not.toContain("it-42");
    await bodyOf(anna, agent, request.eventId, /Denied by/);
  });

  it("#24 !stop ends a turn that waits for an approval: the tool does not run, and the next message works", async () => {
    const { anna } = world();
    const agent = await world().agent("Stopped while it waits");
    const asked = await world().ask(agent, "Run. [[bash=echo it-$((40 + 2))]]");
    const request = await requestIn(anna, agent, asked.questionId);
    await anna.say(agent.roomId, "!stop");
    expect((await answerTo(anna, agent, asked.questionId)).text).toBe("Stopped.");
    await bodyOf(anna, agent, request.eventId, /Not decided/);
    await anna.react(agent.roomId, request.eventId, "✅");
    const next = await world().ask(agent, "And now?");
    const { text } = await answerTo(anna, agent, next.questionId);
    expect(text).toContain(`nonce=${next.nonce}`);
    expect(text).not.toContain("it-42");
    expectOneAnswerEach(anna, agent, [asked.questionId, next.questionId]);
  });
}

/** The request with which the agent asks whether it may use a tool. */
export function requestIn(person: Person, agent: Resident, questionId: string): Promise<Shown> {
  return person.until(`a request about ${questionId}`, () =>
    saidBy(person, agent).find(
      ({ inReplyTo, body }) => inReplyTo === questionId && body.startsWith("May I") && !body.includes("\n"),
    ),
  );
}

/** The text of a message once it is like that. */
export function bodyOf(person: Person, agent: Resident, eventId: string, like: RegExp): Promise<string> {
  return person.until(`${eventId} like ${like}`, () => {
    const body = saidBy(person, agent).find((one) => one.eventId === eventId)?.body;
    return body !== undefined && like.test(body) ? body : undefined;
  });
}
