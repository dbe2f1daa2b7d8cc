import { expect, it } from "vitest";
import { z } from "zod";
import type { LoggedRequest } from "../../servers/access-log.ts";
import type { TransportKind } from "../../servers/transports.ts";
import type { World } from "../world.ts";

const usersAnswer = z.object({ users: z.array(z.object({ name: z.string() })) });

export interface People {
  /** How many there have been. */
  readonly people: number;
  /** Logins that they have made themselves. */
  readonly secondClients: number;
  /** Agents that a restored backup knew nothing of, each time: what keeps their session is lost. */
  readonly forgotten?: number;
}

/** What must hold when all is over. */
export function census(
  world: () => World,
  { people, secondClients, forgotten = 0 }: People,
  transport: TransportKind,
): void {
  it("#11 #42 in all that time each agent had one user and one room, and registered once and logged in never again, unless its session was lost with the store", async () => {
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
    const [bots, core] = [1, 2];
    // The doctor asks whether it could register, by a name that nobody can have.
    const registered = made("/register").filter(({ status }) => status === 200);
    expect(registered).toHaveLength(known.length + bots + core + people);
    // Who acts by an application service has no session that could be lost.
    expect(count("/v3/login")).toBe(secondClients + (transport === "appservice" ? 0 : forgotten));
    expect(made("/createRoom").filter(ours)).toHaveLength(known.length + bots);
  });

  it("nothing that anybody did has crashed anything, and nothing is alarming but the configuration that was refused", async () => {
    const { app } = world();
    expect((await app.status()).troubles).toEqual([]);
    const alarming = app.log.filter(({ level }) => level === "error" || level === "fatal");
    const refused = "the configuration was not reloaded: the one before stays";
    expect(alarming.filter(({ msg }) => msg !== refused)).toEqual([]);
  });
}
