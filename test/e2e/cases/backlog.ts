import { expect, it } from "vitest";
import { readAnswer } from "../../servers/model-plan.ts";
import type { TransportKind } from "../../servers/transports.ts";
import { answersTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { Asked, Resident, World } from "../world.ts";

const many = 200;
/** More than the homeserver takes at once with its default limits, by two. */
const few = 12;

/** What people wrote while the program was down. */
export interface Backlog {
  readonly crowded: { readonly agent: Resident; readonly asked: readonly Asked[] };
  readonly limited: { readonly agent: Resident; readonly asked: readonly Asked[] };
  readonly regretted: Asked;
}

/** Stops the program, lets people write, and starts it again. */
export async function leaveBacklog(world: World): Promise<Backlog> {
  const [crowded, limited] = await Promise.all([
    world.agent("Away"),
    world.agent("Away and limited", { messageLimits: "default" }),
  ]);
  expect(await world.app.stop()).toBe("exit status 0");
  const write = async (agent: Resident, count: number): Promise<{ agent: Resident; asked: Asked[] }> => {
    const asked: Asked[] = [];
    for (let n = 0; n < count; n++) asked.push(await world.ask(agent, `Message ${n}`));
    return { agent, asked };
  };
  const regretted = await world.ask(limited, "I should not have said that");
  await world.anna.redact(limited.roomId, regretted.questionId);
  const backlog = { crowded: await write(crowded, many), limited: await write(limited, few), regretted };
  await world.app.start();
  return backlog;
}

export function backlogs(world: () => World, backlog: () => Backlog, transport: TransportKind): void {
  it(`#5 ${many} messages sent while it was down are answered once, in order`, async () => {
    const { agent, asked } = backlog().crowded;
    await expectAnsweredInOrder(world(), agent, asked);
  });

  const heldBack = transport === "appservice" ? "" : ", also when the homeserver holds the answers back";
  it(`#5 messages sent while it was down are answered once${heldBack}`, async () => {
    const { agent, asked } = backlog().limited;
    await expectAnsweredInOrder(world(), agent, asked);
    expect(world().calls(backlog().regretted.nonce)).toEqual([]);
  });
}

async function expectAnsweredInOrder(world: World, agent: Resident, asked: readonly Asked[]): Promise<void> {
  const { anna } = world;
  const ids = asked.map(({ questionId }) => questionId);
  await answersTo(anna, agent, ids);
  expectOneAnswerEach(anna, agent, ids);
  expect(saidBy(anna, agent).map(({ body }) => readAnswer(body))).toEqual(
    asked.map(({ nonce }) => ({ nonce, secretWord: agent.secretWord })),
  );
  for (const { nonce } of asked) expect(world.calls(nonce)).toHaveLength(1);
}
