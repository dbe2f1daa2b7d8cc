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
    const missing = agents - world().residents.length;
    await Promise.all(Array.from({ length: missing }, (_, index) => world().agent(`Idle ${index + 1}`)));
    await untilAllPoll(world());
    await app.stop();
    const before = (await stack.synapse.requests()).length;

    await app.start();
    await untilAllPoll(world());
    await sleep(watched);
    await app.stop();
    const requests = (await stack.synapse.requests()).slice(before);
    const ours = requests.filter(({ user }) => user !== anna.userId && user !== world().bert.userId);
    expect(
      ours.filter((request) => !isPoll(request)).map(({ method, path, user }) => `${method} ${path} ${user}`),
    ).toEqual([]);
    const polls = Map.groupBy(ours, ({ user }) => user);
    expect(polls.size).toBe(world().residents.length);
    for (const [user, made] of polls) expect([user, made.length]).toEqual([user, 1]);

    await app.start();
    const [agent] = world().residents;
    if (agent === undefined) throw new Error("nobody is there");
    const said = saidBy(anna, agent).length;
    const { questionId } = await world().ask(agent, "Are you back?");
    await answerTo(anna, agent, questionId);
    expect(saidBy(anna, agent)).toHaveLength(said + 1);
  });

  it("#11 #42 in all that time each agent had one user, and registered once and logged in never again", async () => {
    const { admin, stack } = world();
    const { users } = usersAnswer.parse(await admin.request("GET", "/_synapse/admin/v2/users?limit=1000&guests=false"));
    const agentUsers = users.map(({ name }) => name).filter((name) => name.startsWith("@agent_"));
    expect(agentUsers.toSorted()).toEqual(
      world()
        .residents.map(({ userId }) => userId)
        .toSorted(),
    );
    for (const name of agentUsers) expect(name).not.toContain("agent_agent_");

    const requests = await stack.synapse.requests();
    const registered = requests.filter(({ method, path }) => method === "POST" && path.endsWith("/v1/register"));
    const people = 3;
    const bots = 1;
    expect(registered).toHaveLength(world().residents.length + bots + people);
    expect(new Set(registered.map(({ status }) => status))).toEqual(new Set([200]));
    const rooms = requests.filter(({ path }) => path.endsWith("/createRoom"));
    expect(rooms).toHaveLength(world().residents.length + bots);
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

async function untilAllPoll({ app, residents }: World): Promise<void> {
  const polling = async (): Promise<number> => {
    const { agents: known } = await app.status();
    return known.filter(({ regions }) => regions["intake"] === "polling").length;
  };
  await expect.poll(polling, { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(residents.length);
}
