import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Household } from "../e2e/household.ts";

const agents = Array.from({ length: 12 }, (_, n) => ({ id: `agent-${n + 1}`, name: `Agent ${n + 1}` }));
export const people = ["anna", "bert", "cleo"];

export interface Provisioned {
  /** What `status` said was waited for, each once. */
  readonly waits: readonly string[];
  readonly seconds: number;
}

/**
 * Lets the program put twelve agents on Matrix, and resolves when each of three people is invited to each room and to
 * the space. Says from time to time how far it is.
 */
export async function provisionTwelve(house: Household, withinSeconds: number): Promise<Provisioned> {
  house.letta.agents = agents;
  const waits = new Set<string>();
  const begun = performance.now();
  const seconds = (): number => Math.round((performance.now() - begun) / 1_000);
  await house.start();
  for (let round = 0; ; round++) {
    const status = await house.status();
    for (const { wait } of [...status.agents, ...(status.space === undefined ? [] : [status.space])])
      if (wait !== undefined) {
        waits.add(wait.reason);
        expect(wait.since).toBeLessThanOrEqual(status.at);
      }
    const invitations = house.people.map((person) => agents.filter(({ id }) => person.invitedBy(house.userIdOf(id))));
    const inSpace = house.people.filter((person) => person.invitedBy(house.idOf("letta-matrix")));
    const ready = status.agents.filter(({ regions }) => regions["room"] === "ready").length;
    const counts = invitations.map(({ length }) => length);
    if (round % 6 === 0)
      process.stderr.write(
        `${seconds()} s: ${ready} of ${agents.length} agents ready, rooms that people are invited to: ${counts.join(", ")}\n`,
      );
    const isDone = counts.every((count) => count === agents.length) && inSpace.length === people.length;
    if (isDone && ready === agents.length) return { waits: [...waits], seconds: seconds() };
    if (seconds() > withinSeconds)
      throw new Error(`not done after ${seconds()} s: ${counts.join(", ")}; ${[...waits].join("; ")}`);
    await sleep(Math.min(10_000, withinSeconds * 10));
  }
}

/** However often it had to wait, it made each thing once. */
export async function expectNothingTwice(house: Household): Promise<void> {
  const requests = await house.synapse.requests();
  const done = (method: string, path: RegExp) =>
    requests.filter((one) => one.method === method && path.test(one.path) && one.status === 200);
  expect(done("POST", /\/createRoom$/)).toHaveLength(agents.length + 1);
  // Twelve rooms and the space, for each of the three people.
  const invited = done("POST", /\/invite$/).map(({ user, path }) => `${user} ${path}`);
  expect(new Set(invited).size).toBe(agents.length + 1);
  expect(invited).toHaveLength((agents.length + 1) * people.length);
  expect(requests.filter(({ path }) => path.endsWith("/login") && !path.startsWith("/_synapse"))).toEqual([]);
}

export interface InvitationCounts {
  readonly sent: number;
  /** Because of the homeserver's limits. */
  readonly refused: number;
}

export async function invitationCounts(house: Household): Promise<InvitationCounts> {
  const invitations = (await house.synapse.requests()).filter(({ path }) => path.endsWith("/invite"));
  const withStatus = (status: number): number => invitations.filter((one) => one.status === status).length;
  return { sent: withStatus(200), refused: withStatus(429) };
}
