import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { z } from "zod";
import type { LoggedRequest } from "../../servers/access-log.ts";
import { answerTo, saidBy } from "../answers.ts";
import type { World } from "../world.ts";

const agents = 50;
/** How long the idle agents are watched, ms. */
const watched = 6_000;

const usersAnswer = z.object({ users: z.array(z.object({ name: z.string() })) });

export function restarts(world: () => World): void {
  it(`#10 #11 a restart with ${agents} agents repeats nothing, and an idle agent makes no request but its poll`, async () => {
    const { anna, app, stack } = world();
    const missing = Math.max(0, agents - world().residents.length);
    await Promise.all(Array.from({ length: missing }, (_, index) => world().agent(`Idle ${index + 1}`)));
    await untilAllIdle(world());
    const { agents: known } = await app.status();
    await app.stop();

    const startedAt = Date.now();
    await app.start();
    await untilAllIdle(world());
    await sleep(watched);
    await app.stop();
    const people = new Set([anna.userId, world().bert.userId]);
    const since = async (): Promise<readonly LoggedRequest[]> =>
      (await stack.synapse.requests()).filter(
        ({ at, tookMs, user = "" }) => at - tookMs > startedAt && !people.has(user),
      );
    // A poll that was cut off is in the log only once the homeserver has noticed.
    const polls = async () => (await since()).filter(isPoll).map(({ user }) => user);
    await expect.poll(polls, { timeout: 10_000 }).toHaveLength(known.length);
    expect(new Set(await polls()).size).toBe(known.length);
    const others = (await since()).filter((request) => !isPoll(request));
    expect(others.map(({ method, path, user }) => `${method} ${path} ${user}`)).toEqual([]);

    await app.start();
    const [agent] = world().residents;
    if (agent === undefined) throw new Error("nobody is there");
    const said = saidBy(anna, agent).length;
    const { questionId } = await world().ask(agent, "Are you back?");
    await answerTo(anna, agent, questionId);
    expect(saidBy(anna, agent)).toHaveLength(said + 1);
  });

  it("#11 #42 in all that time each agent had one user and one room, and registered once and logged in never again", async () => {
    const { admin, app, stack } = world();
    const { agents: known } = await app.status();
    const { users } = usersAnswer.parse(await admin.request("GET", "/_synapse/admin/v2/users?limit=1000&guests=false"));
    const agentUsers = users.map(({ name }) => name).filter((name) => name.startsWith("@agent_"));
    expect(agentUsers.toSorted()).toEqual(known.map(({ userId }) => userId).toSorted());
    expect(new Set(known.map(({ agentId }) => agentId)).size).toBe(known.length);
    for (const name of agentUsers) expect(name).not.toContain("agent_agent_");

    const requests = await stack.synapse.requests();
    const made = (end: string) => requests.filter(({ method, path }) => method === "POST" && path.endsWith(end));
    const count = (end: string) => made(end).length;
    // People make rooms of their own, too.
    const ours = ({ user = "" }: LoggedRequest) => /^@(agent_|letta-matrix:)/.test(user);
    const [bots, people, secondClients] = [1, 3, 2];
    expect(count("/admin/v1/register")).toBe(known.length + bots + people);
    expect(count("/v3/login")).toBe(secondClients);
    expect(made("/createRoom").filter(ours)).toHaveLength(known.length + bots);
  });

  it("nothing that anybody did has crashed anything", async () => {
    const { app } = world();
    expect((await app.status()).troubles).toEqual([]);
    const alarming = app.log.filter(({ level }) => level === "error" || level === "fatal");
    expect(alarming).toEqual([]);
  });
}

function isPoll({ method, path, query }: LoggedRequest): boolean {
  return method === "GET" && path.endsWith("/sync") && query.has("since");
}

/** Every agent listens, and nobody waits for an answer. */
async function untilAllIdle({ app, residents }: World): Promise<void> {
  const busy = async (): Promise<readonly string[]> => {
    const { agents: known, conversations } = await app.status();
    const deaf = known.filter(({ regions }) => regions["intake"] !== "polling" || regions["room"] !== "ready");
    const talking = conversations.filter(({ answering, queued }) => answering || queued > 0);
    const missing = residents.filter(({ agentId }) => !known.some((agent) => agent.agentId === agentId));
    return [
      ...deaf.map(({ userId }) => userId),
      ...talking.map(({ roomId }) => roomId),
      ...missing.map(({ name }) => name),
    ];
  };
  await expect.poll(busy, { timeout: 90_000, interval: 1_000 }).toEqual([]);
}
