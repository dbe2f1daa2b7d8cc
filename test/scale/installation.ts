import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { found } from "../../src/commands/discovery/found.ts";
import { newRegistration, registrationYaml } from "../../src/config/registration-text.ts";
import { ControlClient } from "../../src/runtime/control/client.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { AppProcess } from "../e2e/app-process.ts";
import { freePort } from "../servers/free-port.ts";
import { knownAs } from "../servers/homeserver/appservice/registration.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";
import { pidBehind, readProcess } from "../soak/gauge.ts";
import { copyAgents, type KnownAgent } from "./copies.ts";
import { ScaledLetta } from "./letta.ts";
import { Visitor } from "./visitor.ts";

export type HomeserverOfScale = "stand-in" | "synapse";

export interface InstallationOptions {
  readonly dir: string;
  /** Letta's from the beginning. */
  readonly agents: number;
  readonly homeserver: HomeserverOfScale;
}

/** The program as operators run it, as an application service, with servers in processes of their own. */
export class Installation {
  readonly homeserver: Synapse;
  readonly letta: ScaledLetta;
  readonly anna: Visitor;
  readonly app: AppProcess;
  readonly control: ControlClient;
  readonly #dir: string;
  readonly #inspector: number;
  #agents: readonly KnownAgent[];

  private constructor(
    parts: Pick<Installation, "homeserver" | "letta" | "anna" | "app" | "control">,
    { dir, agents, inspector }: { dir: string; agents: readonly KnownAgent[]; inspector: number },
  ) {
    this.#dir = dir;
    this.#agents = agents;
    this.homeserver = parts.homeserver;
    this.letta = parts.letta;
    this.anna = parts.anna;
    this.app = parts.app;
    this.control = parts.control;
    this.#inspector = inspector;
  }

  /** Everything but the program runs then. */
  static async build({ dir, agents, homeserver: kind }: InstallationOptions): Promise<Installation> {
    const listen = `127.0.0.1:${await freePort()}`;
    const given = { url: `http://${listen}`, serverName: "localhost", spaceAlias: "letta-agents" };
    const registration = newRegistration(given);
    const file = join(dir, "registration.yaml");
    await writeFile(file, registrationYaml(registration));
    const served = { dir: join(dir, "homeserver"), rateLimits: "lifted" } as const;
    const homeserver = await (kind === "stand-in"
      ? startHomeserver("synapse", { ...served, appservices: [knownAs(registration)] })
      : startSynapse({ ...served, config: { app_service_config_files: [file] } }));
    const letta = await ScaledLetta.start(join(dir, "letta"));
    const made = await letta.add(agents);
    const anna = new Visitor({ baseUrl: homeserver.baseUrl, ...(await registerUser(homeserver, "anna")) });
    const { baseUrl: url, serverName: server_name } = homeserver;
    const app = await AppProcess.prepare(join(dir, "app"), {
      homeserver: { url, server_name, appservice: { registration_file: file, listen } },
      letta: { url: letta.url },
      core_users: { admin: "none", letta: "none" },
      invite: [anna.userId],
      avatars: { picture: "none" },
      history: { import: 0 },
      // So slow that none of its looks falls into the time of the others.
      audit: { interval: "720h" },
      log: { level: "info" },
    });
    const control = new ControlClient({ path: controlSocketIn(join(dir, "app", "data")), timeoutMs: 120_000 });
    const parts = { homeserver, letta, anna, app, control };
    return new Installation(parts, { dir, agents: made, inspector: await freePort() });
  }

  /** Letta's agents. */
  get agents(): readonly KnownAgent[] {
    return this.#agents;
  }

  /** Of the homeserver, where that is the stand-in. */
  get journal(): string {
    return join(this.#dir, "homeserver", "journal.jsonl");
  }

  get accessLog(): string {
    return join(this.#dir, "homeserver", "access.jsonl");
  }

  get store(): string {
    return join(this.#dir, "app", "data", "store");
  }

  /** Has so many agents be known in all, while the program does not run: further ones as those are that it has made. */
  async knowing(count: number): Promise<void> {
    const made = this.#agents;
    const wanted = await this.letta.add(count - made.length);
    await this.homeserver.kill("SIGKILL");
    const copying = { homeserver: join(this.#dir, "homeserver"), data: join(this.#dir, "app", "data") };
    await copyAgents({ ...copying, server: this.homeserver.serverName, made, wanted });
    await this.homeserver.restart();
    this.#agents = [...made, ...wanted];
  }

  /** Starts the program. Resolves when it says that it runs. */
  start(): Promise<void> {
    return this.app.start({ NODE_OPTIONS: `--inspect=127.0.0.1:${this.#inspector}` });
  }

  /** What the program holds on to after a garbage collection. */
  held() {
    return readProcess(this.#inspector);
  }

  /** Of the program's present process. */
  pid(): Promise<number> {
    return pidBehind(this.#inspector);
  }

  /** Has the program list Letta's agents; gives how many there are. */
  async discover(): Promise<number> {
    return (await this.control.call("discovery.run", {}, found)).listed;
  }

  async stop(): Promise<void> {
    await this.app.kill();
    await this.letta.stop();
    await this.homeserver.stop();
  }
}

/** CPU time that a process has had, ms, as the kernel counts it. */
export async function cpuMsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // In hundredths of a second, user and system.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
