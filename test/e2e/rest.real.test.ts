import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { restServer } from "../contract/letta/rest-server.ts";
import { startModel } from "../servers/model.ts";
import { startV1StandIn } from "../servers/v1/stand-in.ts";
import { answerTo, draftOf, expectOneAnswerEach } from "./answers.ts";
import { bodyOf, endsOf, requestIn } from "./cases/commands.ts";
import { type Household, startHousehold } from "./household.ts";
import type { Person } from "./person.ts";
import type { Resident } from "./world.ts";

/** Waits for approval by the agent's settings. */
const tool = "memory_insert";

describe("an agent behind Letta's REST API, in its room on a real Synapse", { timeout: 120_000 }, () => {
  let letta: Awaited<ReturnType<typeof restServer>>;
  let house: Household;
  let anna: Person;
  let agent: Resident;

  beforeAll(async () => {
    letta = await restServer({ startModel, start: (model) => startV1StandIn({ model }) });
    const agentId = await letta.newAgent("Resty", tool);
    const config = { letta: { url: letta.url, tool_ask_list: [tool] } };
    house = await startHousehold({ people: ["anna"], letta: letta.url, config });
    await house.start();
    const [person] = house.people;
    if (person === undefined) throw new Error("nobody is there");
    anna = person;
    const roomId = await house.ready(agentId);
    agent = { agentId, name: "Resty", secretWord: "", userId: house.userIdOf(agentId), roomId };
    await anna.until("an invitation", () => anna.invitedBy(agent.userId));
    await anna.join(roomId);
  }, 120_000);
  afterAll(async () => {
    await house?.close();
    await letta?.stop();
  }, 60_000);

  it("answers what is written there, once", async () => {
    const questionId = await anna.say(agent.roomId, "Hello? [[nonce=rest-1]]");
    expect((await answerTo(anna, agent, questionId)).text).toContain("nonce=rest-1");
    expectOneAnswerEach(anna, agent, [questionId]);
  });

  it("goes on with its answer when letta-matrix is restarted meanwhile, and its model is asked once", async () => {
    const questionId = await anna.say(agent.roomId, "And slowly? [[nonce=rest-2]] [[tps=10]] [[words=120]]");
    await draftOf(anna, agent, questionId);
    await house.stop();
    await house.start();
    const { text, outcome } = await answerTo(anna, agent, questionId);
    expect(outcome).toBe("answer");
    expect(text).toMatch(/nonce=rest-2 .* w120$/);
    expect(letta.modelCalls("rest-2")).toHaveLength(1);
  });

  it("says what is wrong when the model fails, and answers the next message", async () => {
    const broken = await anna.say(agent.roomId, "This one breaks. [[nonce=rest-3]] [[cut=5]] [[tps=50]] [[words=10]]");
    expect((await answerTo(anna, agent, broken)).outcome).toBe("error");
    const next = await anna.say(agent.roomId, "And this? [[nonce=rest-4]]");
    expect((await answerTo(anna, agent, next)).text).toContain("nonce=rest-4");
  });

  it.each([
    ["!approve", "The tool said:", /Approved by/],
    ["!deny", "Denied by", /Denied by/],
  ])("asks in the room before it uses a tool, also over a restart of letta-matrix: %s", async (word, told, closed) => {
    const nonce = `rest${word}`;
    const call = `[[tool=${tool}]] [[arguments={"label":"persona","new_string":"I learn."}]]`;
    const questionId = await anna.say(agent.roomId, `Note this. [[nonce=${nonce}]] ${call}`);
    const request = await requestIn(anna, agent, questionId);
    expect(request.body).toContain('memory_insert with {"label":"persona","new_string":"I learn."}');
    await house.stop();
    await house.start();
    await anna.say(agent.roomId, word);
    const { text, outcome } = await answerTo(anna, agent, questionId);
    expect(outcome).toBe("answer");
    expect(text).toContain(told);
    await bodyOf(anna, agent, request.eventId, closed);
    expect(endsOf(anna, agent, questionId)).toEqual(["answer"]);
    expect(letta.modelCalls(nonce)).toHaveLength(2);
  });

  it("waits while Letta is away, and answers once when it is back", async () => {
    await letta.kill();
    const questionId = await anna.say(agent.roomId, "Are you there? [[nonce=rest-5]]");
    await letta.restart();
    expect((await answerTo(anna, agent, questionId)).text).toContain("nonce=rest-5");
    expect(letta.modelCalls("rest-5")).toHaveLength(1);
  });
});
