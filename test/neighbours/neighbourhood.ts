import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AgentDetail, agentDetail, type Status } from "../../src/commands/status/schema.ts";
import { type Kill, nothingNoted, type Resident } from "../crash/evidence.ts";
import { judge, type Violation } from "../crash/laws.ts";
import { bodyOf, type SentMessage } from "../crash/messages.ts";
import { buildIn } from "../crash/patches.ts";
import type { RoomEvent } from "../crash/person.ts";
import { type Arrived, createNewcomer, moveIn } from "../crash/settle-in.ts";
import { type Ending, viewOf } from "../crash/timeline.ts";
import { productSource, startWorld, type World } from "../crash/world.ts";
import { AppProcess } from "../e2e/app-process.ts";
import { Person as Client } from "../e2e/person.ts";
import { HttpProxy } from "../faults/http-proxy.ts";
import { SocketProxy } from "../faults/socket-proxy.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { appserviceSection, type TransportKind } from "../servers/transports.ts";

/** What the program is built with for certain agents. */
export interface Defect {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  /** By the agents' ids. */
  readonly replacements: (idOf: (name: string) => string) => readonly (readonly [string, string])[];
}

export interface NeighbourhoodOptions {
  /** Holds all that it writes. */
  readonly dir: string;
  /** Of the agents. */
  readonly names: readonly string[];
  readonly defect?: Defect;
  /** Default: `client-server`. */
  readonly transport?: TransportKind;
  /** Of the program's process. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long everybody's answers may take, ms: beyond it they will not come. Default: a minute. */
  readonly within?: number;
}

const lookEvery = 250;
/** What the stand-in model repeats of a question, and is another one in each run. */
const whereAndWhen = /room: \S+ time: \S+ /;

/** Agents that share a program, which runs as operators run it, before stand-ins of the servers. */
export class Neighbourhood {
  readonly app: AppProcess;
  /** Between the program and the homeserver. */
  readonly proxy: HttpProxy;
  /** Between the program and Letta. */
  readonly socket: SocketProxy;
  readonly admin: Client;
  readonly world: World;
  readonly #residents: ReadonlyMap<string, Resident>;
  readonly #sent: SentMessage[] = [];
  readonly #kills: Kill[] = [];
  /** Of the last question to each, as it was begun to be sent. */
  readonly #numbers = new Map<string, number>();
  readonly #within: number;

  private constructor(
    { app, proxy, socket, admin, world }: Pick<Neighbourhood, "app" | "proxy" | "socket" | "admin" | "world">,
    residents: ReadonlyMap<string, Resident>,
    within = 60_000,
  ) {
    this.app = app;
    this.proxy = proxy;
    this.socket = socket;
    this.admin = admin;
    this.world = world;
    this.#residents = residents;
    this.#within = within;
  }

  /** Resolves when each agent has its room with people in it. */
  static async begin({
    dir,
    names,
    defect,
    transport = "client-server",
    env,
    within,
  }: NeighbourhoodOptions): Promise<Neighbourhood> {
    const world = await startWorld(dir, { homeserver: "synapse", letta: "stand-in", transport });
    const { homeserver, pushAddress, letta, people } = world;
    const newcomers = new Map<string, Arrived>();
    for (const name of names) newcomers.set(name, await createNewcomer(world, name));
    const idOf = (name: string): string => newcomers.get(name)?.agentId ?? "";
    const source =
      defect && (await buildIn({ ...defect, replacements: defect.replacements(idOf) }, join(dir, "built")));
    const proxy = await HttpProxy.start({ target: homeserver.baseUrl });
    const socket = await SocketProxy.start(letta.url);
    const root = await registerUser(homeserver, "root", { admin: true });
    const { serverName, registrationSharedSecret: shared_secret } = homeserver;
    const app = await AppProcess.prepare(
      join(dir, "app"),
      {
        homeserver: {
          url: proxy.url,
          server_name: serverName,
          registration: { shared_secret },
          ...(pushAddress && { appservice: await appserviceSection(dir, pushAddress) }),
        },
        letta: { url: socket.url },
        invite: people.map(({ userId }) => userId),
        audit: { interval: "24h" },
      },
      join(source ?? productSource, "cli", "main.ts"),
    );
    await app.start(env);
    const residents = await Promise.all(
      [...newcomers].map(async ([name, one]) => [name, await moveIn(world, one)] as const),
    );
    const admin = new Client({ baseUrl: homeserver.baseUrl, ...root });
    return new Neighbourhood({ app, proxy, socket, admin, world }, new Map(residents), within);
  }

  resident(name: string): Resident {
    const found = this.#residents.get(name);
    if (found === undefined) throw new Error(`nobody here is called ${name}`);
    return found;
  }

  /** Asks each of them once; `directives` are for the model. */
  async ask(names: readonly string[], directives: string): Promise<void> {
    await Promise.all(names.map((name) => this.#askOne(name, directives)));
  }

  async #askOne(name: string, directives: string): Promise<void> {
    const { roomId } = this.resident(name);
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    const nonce = `${name}-${number}`;
    const planned = { nonce, agent: 0, person: 0, directives, silent: false, usesTool: false };
    const content = { msgtype: "m.text", body: bodyOf(planned, nonce) };
    const eventId = await this.#someone().send(roomId, nonce, content);
    this.#sent.push({ ...planned, roomId, eventId });
  }

  /** Messages that people have sent by now. */
  get sent(): number {
    return this.#sent.length;
  }

  /** What explains that Letta is asked once more. */
  killed(kind: Kill["kind"]): void {
    this.#kills.push({ kind, boundary: "asked", eventId: undefined, at: Date.now() });
  }

  /** The whole timelines of their rooms, as soon as each has an end to each question there, or none will come. */
  async answered(names: readonly string[]): Promise<ReadonlyMap<string, readonly RoomEvent[]>> {
    const deadline = performance.now() + this.#within;
    let open = names;
    for (;;) {
      const timelines = await this.#timelines(open);
      open = open.filter((name) => this.#ends(name, timelines) < this.#asked(name).length);
      if (open.length === 0 || performance.now() > deadline) return this.#timelines(names);
      await sleep(lookEvery);
    }
  }

  #asked(name: string): readonly SentMessage[] {
    const { roomId } = this.resident(name);
    return this.#sent.filter((message) => message.roomId === roomId);
  }

  #ends(name: string, timelines: ReadonlyMap<string, readonly RoomEvent[]>): number {
    const { roomId, userId } = this.resident(name);
    return viewOf(timelines.get(roomId) ?? [], userId).endings.length;
  }

  async #timelines(names: readonly string[]): Promise<ReadonlyMap<string, readonly RoomEvent[]>> {
    const read = names.map(async (name) => {
      const { roomId } = this.resident(name);
      return [roomId, (await this.#someone().read(roomId)).events] as const;
    });
    return new Map(await Promise.all(read));
  }

  /** What people see of them: whatever is broken, the answers in their order, and how long each took, ms. */
  async seen(names: readonly string[]): Promise<{ broken: Violation[]; answers: string[]; took: number[] }> {
    const timelines = await this.answered(names);
    const broken = judge({
      residents: names.map((name) => this.resident(name)),
      messages: this.#sent.filter(({ roomId }) => timelines.has(roomId)),
      timelines,
      askings: this.world.model.calls(),
      kills: this.#kills,
      ...nothingNoted,
      oneTimeRequests: [],
      arrivals: [],
      count: await this.world.census.take(),
    });
    const ends = names.flatMap((name) => {
      const { userId, roomId } = this.resident(name);
      const events = timelines.get(roomId) ?? [];
      const at = new Map(events.map(({ event_id, origin_server_ts }) => [event_id, origin_server_ts]));
      return viewOf(events, userId).endings.map(({ eventId, cause, body }) => ({
        answer: `${name}: ${body.replace(whereAndWhen, "")}`,
        took: (at.get(eventId) ?? 0) - (at.get(cause) ?? 0),
      }));
    });
    return { broken, answers: ends.map(({ answer }) => answer), took: ends.map(({ took }) => took) };
  }

  /** How the questions have ended that were put to it, as far as they have. */
  async endings(name: string): Promise<readonly Ending[]> {
    const { roomId, userId } = this.resident(name);
    return viewOf((await this.#timelines([name])).get(roomId) ?? [], userId).endings;
  }

  /** What `letta-matrix status` says of it. */
  async status(name: string): Promise<Pick<Status, "agents" | "conversations" | "troubles">> {
    const { agentId } = this.resident(name);
    const { agents, conversations, troubles } = await this.app.status();
    return {
      agents: agents.filter((one) => one.agentId === agentId),
      conversations: conversations.filter((one) => one.agentId === agentId),
      troubles: troubles.filter(({ actor }) => actor.includes(`/${agentId}/`)),
    };
  }

  /** What `letta-matrix agent` says of it. */
  async detail(name: string): Promise<AgentDetail> {
    const { code, out, err } = await this.app.command("agent", this.resident(name).agentId, "--json");
    if (code !== 0) throw new Error(`letta-matrix agent ended with ${code}: ${err}`);
    return agentDetail.parse(JSON.parse(out));
  }

  async close(): Promise<void> {
    await this.app.stop();
    await Promise.all([this.proxy.close(), this.socket.close()]);
    await this.admin.close();
    await this.world.stop();
  }

  #someone() {
    const [person] = this.world.people;
    if (person === undefined) throw new Error("there are no people");
    return person;
  }
}
