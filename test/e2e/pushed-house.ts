import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { turnMarkOf } from "../../src/actors/marker.ts";
import { type App, connectPorts, createApp, type Ports } from "../../src/app.ts";
import { newRegistration, registrationYaml } from "../../src/config/registration-text.ts";
import type { Config } from "../../src/config/schema.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { instantLetta } from "../bench/instant-letta.ts";
import { freePort } from "../servers/free-port.ts";
import { type AppserviceRegistration, knownAs } from "../servers/homeserver/appservice/registration.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";
import { AppProcess } from "./app-process.ts";
import { Person } from "./person.ts";

/** Two ways by which the program may run in the house. */
export type Transport = "appservice" | "client-server";

/** A homeserver on this folder that knows these application services. */
type StartHomeserver = (options: {
  readonly dir: string;
  readonly rateLimits: "lifted";
  readonly appservices: readonly AppserviceRegistration[];
}) => Promise<Synapse>;

/** A Synapse that knows the program as an application service, and a person. Letta answers at once. */
export class PushedHouse {
  readonly #dir: string;
  readonly #registration: ReturnType<typeof newRegistration>;
  readonly #listen: string;
  readonly #startHomeserver: StartHomeserver;
  /** What the program has of an administrator, from its next start on. */
  adminToken: string | undefined;
  synapse: Synapse;
  readonly anna: Person;
  readonly agents: { readonly id: string; readonly name: string }[];

  private constructor(parts: {
    dir: string;
    registration: ReturnType<typeof newRegistration>;
    listen: string;
    startHomeserver: StartHomeserver;
    synapse: Synapse;
    anna: Person;
    agents: PushedHouse["agents"];
  }) {
    this.#dir = parts.dir;
    this.#registration = parts.registration;
    this.#listen = parts.listen;
    this.#startHomeserver = parts.startHomeserver;
    this.synapse = parts.synapse;
    this.anna = parts.anna;
    this.agents = parts.agents;
  }

  /** `isKnown`: whether the homeserver, a real Synapse or a stand-in, has the registration from the beginning. */
  static async build(
    dir: string,
    names: readonly string[],
    isKnown = true,
    startHomeserver: StartHomeserver = startSynapse,
  ): Promise<PushedHouse> {
    await mkdir(dir, { recursive: true });
    const listen = `127.0.0.1:${await freePort()}`;
    const url = `http://${listen}`;
    const registration = newRegistration({ url, serverName: "localhost", spaceAlias: "letta-agents" });
    await writeFile(join(dir, "registration.yaml"), registrationYaml(registration));
    const appservices = isKnown ? [knownAs(registration)] : [];
    const synapse = await startHomeserver({ dir: join(dir, "synapse"), rateLimits: "lifted", appservices });
    const { userId, accessToken } = await registerUser(synapse, "anna");
    const anna = await new Person({ baseUrl: synapse.baseUrl, userId, accessToken }).open();
    const agents = names.map((name) => ({ id: `agent-${name.toLowerCase()}`, name }));
    return new PushedHouse({ dir, registration, listen, startHomeserver, synapse, anna, agents });
  }

  get #registrationFile(): string {
    return join(this.#dir, "registration.yaml");
  }

  /** Gives the homeserver the registration, or takes it away, and with it an administrator who lets the agents log in. */
  async register(isKnown = true): Promise<void> {
    if (!isKnown) this.adminToken = (await registerUser(this.synapse, "boss", { admin: true })).accessToken;
    await this.synapse.stop();
    const appservices = isKnown ? [knownAs(this.#registration)] : [];
    const dir = join(this.#dir, "synapse");
    this.synapse = await this.#startHomeserver({ dir, rateLimits: "lifted", appservices });
  }

  /**
   * The program, not started yet; of another installation with another data folder; with something `around` its ports; and
   * listening elsewhere than the registration says.
   */
  app(
    transport: Transport = "appservice",
    data = "data",
    around: (ports: Ports) => Ports = (ports) => ports,
    listen = this.#listen,
  ): App {
    const { baseUrl: url, serverName, registrationSharedSecret: secret } = this.synapse;
    const { id, asToken, hsToken } = this.#registration;
    const config: Config = {
      homeserver: {
        url,
        serverName,
        ...(transport === "appservice"
          ? { appservice: { id, asToken, hsToken, listen, rateLimited: false, exclusive: true } }
          : { registration: { kind: "shared-secret", secret } }),
        ...(this.adminToken !== undefined && { adminToken: this.adminToken }),
      },
      letta: { url: "ws://127.0.0.1:9", toolAllowList: [], toolAskList: [], matrixTools: [], idleTimeoutMs: 60_000 },
      dataFolder: join(this.#dir, data),
      invite: [this.anna.userId],
      coreUsers: {},
      formerClients: { legacyOpen: false },
      api: { allowedHosts: [], allowedOrigins: [], ratePerMinute: 1_200 },
      space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
      discovery: { intervalMs: 600_000, graceMs: 7_200_000, disabled: [] },
      audit: { intervalMs: 3_600_000 },
      rooms: { nameTemplate: "{agent}" },
      avatars: { kind: "none" },
      commands: { people: [] },
      invitations: { people: [], servers: [] },
      agents: { mostHops: 10 },
      history: { importLimit: 5 },
      drafts: { ratePerSecond: 10, burst: 10 },
      log: { level: "error" },
    };
    return createApp(config, createLogger({ level: "error", secrets: [asToken, hsToken] }), (given, logger) => {
      const ports = connectPorts(given, logger);
      return around({ ...ports, letta: instantLetta(this.agents), clock: systemClock });
    });
  }

  /** The program as operators run it, in a process of its own, before a Letta at `lettaUrl`. */
  process(lettaUrl: string): Promise<AppProcess> {
    const { baseUrl: url, serverName: server_name } = this.synapse;
    const appservice = { registration_file: this.#registrationFile, listen: this.#listen };
    return AppProcess.prepare(join(this.#dir, "process"), {
      homeserver: { url, server_name, appservice },
      letta: { url: lettaUrl },
      core_users: { admin: "none", letta: "none" },
      invite: [this.anna.userId],
      audit: { interval: "24h" },
    });
  }

  userOf(name: string): string {
    return `@agent_${name.toLowerCase()}:${this.synapse.serverName}`;
  }

  /** The agent's own room, which Anna is in by then. */
  async room(name: string): Promise<string> {
    const roomId = await this.anna.until(
      `an invitation by ${name}`,
      () => this.anna.invitedBy(this.userOf(name)),
      60_000,
    );
    if (this.anna.events(roomId).length === 0) await this.anna.join(roomId);
    return roomId;
  }

  /** Waits for the final answer to it. */
  answer(roomId: string, questionId: string): Promise<true> {
    return this.anna.until(
      `an answer to ${questionId}`,
      () => this.#finals(roomId, questionId).length > 0 || undefined,
      60_000,
    ) as Promise<true>;
  }

  /** How many finals each question has, as the homeserver has the room. */
  async counts(roomId: string, questionIds: readonly string[]): Promise<number[]> {
    const history = await this.anna.history(roomId);
    const causes = history.map(({ content }) => turnMarkOf(content)).filter((mark) => mark?.final === true);
    return questionIds.map((id) => causes.filter((mark) => mark?.cause === id).length);
  }

  async tearDown(): Promise<void> {
    await this.anna.close();
    await this.synapse.stop();
  }

  #finals(roomId: string, questionId: string) {
    const marks = this.anna.events(roomId).map(({ content }) => turnMarkOf(content));
    return marks.filter((mark) => mark?.final === true && mark.cause === questionId);
  }
}
