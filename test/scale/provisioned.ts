import { z } from "zod";
import { status } from "../../src/commands/status/schema.ts";
import { eventually } from "../e2e/eventually.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { cpuMsOf, Installation } from "./installation.ts";
import type { Took } from "./report.ts";

export interface Provisioned extends Took {
  readonly agents: number;
  /** Ready when the program was killed. */
  readonly killedAt: number;
  /** What `letta-matrix status` told of how far it was, each time another thing. */
  readonly told: readonly string[];
  /** As the homeserver has them. */
  readonly rooms: number;
  readonly users: number;
  /** Rooms of the agents and parts of the space that there have to be. */
  readonly wantedRooms: number;
}

export interface ProvisionedOptions {
  readonly dir: string;
  readonly agents: number;
  readonly say: (line: string) => void;
}

const patience = 7_200_000;
const roomsOfPart = 200;
const total = z.object({ total: z.number() });
const totalRooms = z.object({ total_rooms: z.number() });

/** So many agents are made on a real Synapse; half way the program is killed, and goes on. */
export async function measureProvisioning({ dir, agents, say }: ProvisionedOptions): Promise<Provisioned> {
  const installation = await Installation.build({ dir, agents, homeserver: "synapse" });
  try {
    const { homeserver, app } = installation;
    const root = await registerUser(homeserver, "root", { admin: true });
    const told: string[] = [];
    const until = (least: number): Promise<number> =>
      eventually(
        `${least} agents to be ready`,
        async () => {
          const line = progressIn((await app.command("status")).out);
          if (line !== told.at(-1)) {
            told.push(line);
            say(line);
          }
          const ready = await readyIn(installation);
          return ready >= least ? ready : undefined;
        },
        patience,
        3_000,
      );
    const begun = performance.now();
    const before = await cpuMsOf(homeserver.pid);
    await installation.start();
    const killedAt = await until(agents / 2);
    let program = await cpuMsOf(await installation.pid());
    await app.kill();
    say(`killed with ${killedAt} of ${agents} ready`);
    await installation.start();
    await until(agents);
    program += await cpuMsOf(await installation.pid());
    const took = { ms: performance.now() - begun, program, homeserver: (await cpuMsOf(homeserver.pid)) - before };
    const asked = async (path: string): Promise<unknown> => {
      const headers = { authorization: `Bearer ${root.accessToken}` };
      return (await fetch(`${homeserver.baseUrl}/_synapse/admin${path}`, { headers })).json();
    };
    const { total_rooms: rooms } = totalRooms.parse(await asked("/v1/rooms?limit=1"));
    const { total: users } = total.parse(await asked("/v2/users?limit=1&user_id=agent_&deactivated=true"));
    const wantedRooms = agents + Math.ceil(agents / roomsOfPart);
    return { ...took, agents, killedAt, told, rooms, users, wantedRooms };
  } finally {
    await installation.stop();
  }
}

/** The line of `letta-matrix status` that tells how far it is. */
function progressIn(text: string): string {
  return text.split("\n").find((line) => line.startsWith("agents ")) ?? "";
}

async function readyIn({ control }: Installation): Promise<number> {
  const { agents } = await control.call("status", {}, status);
  return agents.filter(({ regions }) => regions["room"] === "ready" && regions["intake"] === "pushed").length;
}
