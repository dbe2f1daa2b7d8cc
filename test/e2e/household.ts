import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type App, connectPorts, createApp } from "../../src/app.ts";
import type { Status } from "../../src/commands/status/schema.ts";
import { loadConfig } from "../../src/config/load.ts";
import { agentUserId } from "../../src/machines/addresses.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { FakeLetta } from "../ports/fake-letta.ts";
import { type MatrixUser, registerUser } from "../servers/matrix-users.ts";
import { type Synapse, type SynapseOptions, startSynapse } from "../servers/synapse.ts";
import { type CommandOutcome, readStatus, runCommand } from "./command.ts";
import { eventually } from "./eventually.ts";
import { Person } from "./person.ts";

const tokenAnswer = z.object({ access_token: z.string() });

export interface HouseholdOptions {
  readonly rateLimits?: SynapseOptions["rateLimits"];
  /** Merged over Synapse's homeserver.yaml. */
  readonly synapse?: SynapseOptions["config"];
  /** Merged over the program's configuration file, section by section. */
  readonly config?: Readonly<Record<string, object>>;
  /** People who are invited to everything, by localpart. */
  readonly people?: readonly string[];
  /** Whether the program gets the administrator's token. */
  readonly administered?: boolean;
}

/** The program in this process, with a real Synapse, and with a Letta that only says which agents there are. */
export class Household {
  readonly dir: string;
  readonly synapse: Synapse;
  readonly letta = new FakeLetta();
  /** A server administrator, who has nothing to do with the program. */
  readonly root: Person;
  readonly people: readonly Person[];
  readonly configFile: string;
  readonly log: string[] = [];
  #app: App | undefined;

  constructor(parts: Pick<Household, "dir" | "synapse" | "root" | "people" | "configFile">) {
    this.dir = parts.dir;
    this.synapse = parts.synapse;
    this.root = parts.root;
    this.people = parts.people;
    this.configFile = parts.configFile;
  }

  async start(): Promise<void> {
    const config = await loadConfig(this.configFile, {});
    const log = createLogger({
      level: "info",
      secrets: [],
      destination: { write: (line) => void this.log.push(line) },
    });
    this.#app = createApp(config, log, () => ({ ...connectPorts(config, log), letta: this.letta }));
    await this.#app.start();
  }

  /** Merges sections into the configuration file; they count from the next start on. */
  async reconfigure(sections: Readonly<Record<string, object>>): Promise<void> {
    const config = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(this.configFile, "utf8")));
    const merged = Object.entries(sections).map(([name, keys]) => [name, { ...Object(config[name]), ...keys }]);
    await writeFile(this.configFile, JSON.stringify({ ...config, ...Object.fromEntries(merged) }), { mode: 0o600 });
  }

  async stop(): Promise<void> {
    await this.#app?.stop();
    this.#app = undefined;
  }

  /** Carries out a command of the program in a process of its own, beside this one. */
  command(...args: readonly string[]): Promise<CommandOutcome> {
    return runCommand(this.configFile, args);
  }

  status(): Promise<Status> {
    return readStatus(this.configFile);
  }

  userIdOf(agentId: string): string {
    return agentUserId(this.synapse.serverName, agentId);
  }

  idOf(localpart: string): string {
    return `@${localpart}:${this.synapse.serverName}`;
  }

  /** Acts as any user, without a device of its own; it does not sync. */
  async as(userId: string): Promise<Person> {
    const path = `/_synapse/admin/v1/users/${encodeURIComponent(userId)}/login`;
    const { access_token: accessToken } = tokenAnswer.parse(await this.root.request("POST", path, {}));
    return new Person({ baseUrl: this.synapse.baseUrl, userId, accessToken });
  }

  /** Resolves when the agent is in its room and hears, with the room. */
  async ready(agentId: string, withinMs?: number): Promise<string> {
    return eventually(
      `${agentId} to be ready`,
      async () => {
        const agent = (await this.status()).agents.find((one) => one.agentId === agentId);
        const isReady = agent?.regions["room"] === "ready" && agent.regions["intake"] === "polling";
        return isReady ? agent.roomId : undefined;
      },
      withinMs,
    );
  }

  async close({ keep = false } = {}): Promise<void> {
    await this.stop();
    await Promise.all([this.root, ...this.people].map((person) => person.close()));
    await this.synapse.stop();
    if (keep) process.stderr.write(`\nThe data of these tests is in ${this.dir}\n`);
    else await rm(this.dir, { recursive: true, force: true });
  }
}

export async function startHousehold(options: HouseholdOptions = {}): Promise<Household> {
  const dir = await mkdtemp(join(tmpdir(), "household-"));
  const { rateLimits = "lifted", synapse: extra = {}, config = {}, people: names = [], administered = false } = options;
  const synapse = await startSynapse({ dir: join(dir, "synapse"), rateLimits, config: extra });
  const login = ({ userId, accessToken }: MatrixUser) => ({ baseUrl: synapse.baseUrl, userId, accessToken });
  const root = await registerUser(synapse, "root", { admin: true });
  const people: Person[] = [];
  for (const name of names) people.push(await new Person(login(await registerUser(synapse, name))).open());
  const configFile = join(dir, "letta-matrix.yaml");
  const { homeserver, ...others } = config;
  const written = {
    homeserver: {
      url: synapse.baseUrl,
      server_name: synapse.serverName,
      registration: { shared_secret: synapse.registrationSharedSecret },
      ...(administered && { admin_token: root.accessToken }),
      ...homeserver,
    },
    letta: { url: "ws://127.0.0.1:9" },
    invite: people.map(({ userId }) => userId),
    discovery: { interval: "1s" },
    ...others,
  };
  await writeFile(configFile, JSON.stringify(written), { mode: 0o600 });
  return new Household({ dir, synapse, root: new Person(login(root)), people, configFile });
}
