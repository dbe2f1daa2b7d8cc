import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { createAgent } from "../servers/letta-agents.ts";
import { registerUser } from "../servers/matrix-users.ts";
import type { ModelCall } from "../servers/model.ts";
import { type Behaviour, directed, type Plan } from "../servers/model-plan.ts";
import { type Stack, type StackOptions, startStack } from "../servers/stack.ts";
import { appserviceSection, pushAddressFor, type TransportKind } from "../servers/transports.ts";
import { AppProcess } from "./app-process.ts";
import { type HomeserverProxy, startProxy } from "./homeserver-proxy.ts";
import { Person } from "./person.ts";
import { startGate, type TcpGate } from "./tcp-gate.ts";

const roomsAnswer = z.object({ joined_rooms: z.array(z.string()) });
const tokenAnswer = z.object({ access_token: z.string() });

/** How long Letta's model may say nothing, ms: longer than Letta takes to begin while all agents are asked at once. */
export const idleTimeoutMs = 60_000;

export interface AgentOptions {
  /** Whether the homeserver holds back whoever sends more than 10 messages at once, as it does by default. */
  readonly messageLimits?: "default" | "lifted";
}

/** An agent that is there for people: in Letta, and on Matrix with a room that Anna has joined. */
export interface Resident {
  readonly agentId: string;
  readonly name: string;
  /** Stands in this agent's memory only; the model repeats it in every answer. */
  readonly secretWord: string;
  readonly userId: string;
  readonly roomId: string;
}

export interface Asked {
  readonly questionId: string;
  readonly nonce: string;
}

type WorldParts = Pick<
  World,
  "dir" | "stack" | "transport" | "proxy" | "pushes" | "gate" | "app" | "anna" | "annasPassword" | "bert" | "admin"
>;

/** A real Synapse, a real Letta with a model that does as it is told, the program, and people. */
export class World {
  readonly dir: string;
  readonly stack: Stack;
  readonly transport: TransportKind;
  readonly proxy: HomeserverProxy;
  /** Between the homeserver and where it pushes to, if it does. */
  readonly pushes: HomeserverProxy | undefined;
  /** Between the program and Letta. */
  readonly gate: TcpGate;
  readonly app: AppProcess;
  /** Is invited to everything. */
  readonly anna: Person;
  readonly annasPassword: string;
  /** Is invited to everything. */
  readonly bert: Person;
  readonly admin: Person;
  readonly #plans = new Map<string, Behaviour>();
  readonly #residents: Resident[] = [];
  #neighbour: Promise<Resident> | undefined;

  constructor(parts: WorldParts) {
    this.dir = parts.dir;
    this.stack = parts.stack;
    this.transport = parts.transport;
    this.proxy = parts.proxy;
    this.pushes = parts.pushes;
    this.gate = parts.gate;
    this.app = parts.app;
    this.anna = parts.anna;
    this.annasPassword = parts.annasPassword;
    this.bert = parts.bert;
    this.admin = parts.admin;
    this.stack.model.behave((request) => (this.#plans.get(request.nonce ?? "") ?? directed)(request));
  }

  /** Starts the program, and waits until it has its space. */
  async start(): Promise<void> {
    await this.app.start();
    const bot = `@letta-matrix:${this.stack.synapse.serverName}`;
    await this.anna.until("an invitation to the space", () => this.anna.invitedBy(bot));
    // It writes one event for each agent, which the homeserver would take one in 5 s of.
    await this.liftMessageLimits(bot);
  }

  /** All that were ever made, whether they still run or not. */
  get residents(): readonly Resident[] {
    return this.#residents;
  }

  /** Lets the model answer the message with this nonce so, instead of by the directives in it. */
  plan(nonce: string, plan: Plan | Behaviour): void {
    this.#plans.set(nonce, typeof plan === "function" ? plan : () => plan);
  }

  nonce(): string {
    return randomUUID();
  }

  /** What the model was asked with this nonce: more than one call means that a message was sent to Letta twice. */
  calls(nonce: string): readonly ModelCall[] {
    return this.stack.model.calls().filter((call) => call.nonce === nonce);
  }

  /** Creates an agent in Letta and waits until Anna has joined its room. */
  async agent(name: string, { messageLimits = "lifted" }: AgentOptions = {}): Promise<Resident> {
    const secretWord = `word-of-${name.toLowerCase().replaceAll(" ", "-")}`;
    const { letta, synapse } = this.stack;
    const { id: agentId } = await createAgent(letta.url, {
      name,
      model: letta.modelHandle,
      persona: `I am ${name}. SECRET-WORD: ${secretWord}`,
    });
    const userId = `@agent_${agentId.replace(/^agent-/, "").replaceAll("-", "_")}:${synapse.serverName}`;
    const roomId = await this.anna.until(`an invitation by ${name}, ${userId}`, () => this.anna.invitedBy(userId));
    if (messageLimits === "lifted") await this.liftMessageLimits(userId);
    await this.anna.join(roomId);
    const resident: Resident = { agentId, name, secretWord, userId, roomId };
    this.#residents.push(resident);
    return resident;
  }

  /** An agent to whom nothing ever happens, in whom one sees that the others' troubles stay their own. */
  neighbour(): Promise<Resident> {
    this.#neighbour ??= this.agent("Neighbour");
    return this.#neighbour;
  }

  /** Asks as Anna. `text` may hold directives for the model. */
  async ask(room: Resident, text: string, extra = {}): Promise<Asked> {
    const nonce = this.nonce();
    return { questionId: await this.anna.say(room.roomId, `${text} [[nonce=${nonce}]]`, extra), nonce };
  }

  /** The same, and the model goes on with its answer, a word every 50 ms, until it is told to end it. */
  async askForLong(room: Resident, text: string): Promise<Asked & { end(): void }> {
    const nonce = this.nonce();
    let mayEnd = false;
    const growing = function* (beginning = "") {
      yield beginning;
      for (let n = 1; !mayEnd; n += 1) yield ` w${n}`;
      yield " The end.";
    };
    this.plan(nonce, (request) => ({ tokens: growing(directed(request).text), tokensPerSecond: 20 }));
    const questionId = await this.anna.say(room.roomId, `${text} [[nonce=${nonce}]]`);
    return {
      questionId,
      nonce,
      end() {
        mayEnd = true;
      },
    };
  }

  async liftMessageLimits(userId: string): Promise<void> {
    const path = `/_synapse/admin/v1/users/${encodeURIComponent(userId)}/override_ratelimit`;
    await this.admin.request("POST", path, { messages_per_second: 0, burst_count: 0 });
  }

  /** The rooms that a user is in. */
  async roomsOf(userId: string): Promise<readonly string[]> {
    const path = `/_synapse/admin/v1/users/${encodeURIComponent(userId)}/joined_rooms`;
    return roomsAnswer.parse(await this.admin.request("GET", path)).joined_rooms;
  }

  /** Acts as any user, without a device of its own; it does not sync. */
  async as(userId: string): Promise<Person> {
    const path = `/_synapse/admin/v1/users/${encodeURIComponent(userId)}/login`;
    const { access_token: accessToken } = tokenAnswer.parse(await this.admin.request("POST", path, {}));
    return new Person({ baseUrl: this.stack.synapse.baseUrl, userId, accessToken });
  }

  annasSecondClient(): Promise<Person> {
    return Person.logIn(this.stack.synapse.baseUrl, this.anna.userId, this.annasPassword);
  }

  /** `keep`: leaves the logs and all data, and says where. */
  async close({ keep = false } = {}): Promise<void> {
    await Promise.all([this.anna.close(), this.bert.close(), this.admin.close()]);
    await this.app.stop();
    await Promise.all([this.proxy.close(), this.pushes?.close(), this.gate.close()]);
    await this.stack.stop();
    if (keep) process.stderr.write(`\nThe logs and data of these tests are in ${this.dir}\n`);
    else await rm(this.dir, { recursive: true, force: true });
  }
}

export interface WorldOptions {
  /** Is written over the program's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: `client-server`. */
  readonly transport?: TransportKind;
  /** Default: the real ones. */
  readonly startServers?: (dir: string, known: Pick<StackOptions, "appservices">) => Promise<Stack>;
}

/**
 * Starts everything but the program. Message limits are Synapse's own, from which those users are exempted that a test
 * would only wait for; all other limits are lifted.
 */
export async function startWorld({
  config = {},
  transport = "client-server",
  startServers = startRealServers,
}: WorldOptions = {}): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "e2e-"));
  const own = await pushAddressFor(transport);
  const pushes = own && (await startProxy(own.registration.url));
  const pushAddress = own && pushes && { ...own, registration: { ...own.registration, url: pushes.url } };
  const stack = await startServers(dir, pushAddress ? { appservices: [pushAddress.registration] } : {});
  const { synapse, letta } = stack;
  const [proxy, gate, adminLogin, annaLogin, bertLogin] = await Promise.all([
    startProxy(synapse.baseUrl),
    startGate(Number(new URL(letta.url).port)),
    register(stack, "root", true),
    register(stack, "anna"),
    register(stack, "bert"),
  ]);
  const app = await AppProcess.prepare(join(dir, "app"), {
    homeserver: {
      url: proxy.url,
      server_name: synapse.serverName,
      registration: { shared_secret: synapse.registrationSharedSecret },
      ...(pushAddress && { appservice: await appserviceSection(dir, pushAddress) }),
    },
    letta: { url: `ws://127.0.0.1:${gate.port}`, idle_timeout: `${idleTimeoutMs}ms`, tool_ask_list: ["Bash"] },
    invite: [annaLogin.userId, bertLogin.userId],
    discovery: { interval: "1s" },
    // Idle agents are watched: they have nothing to look at meanwhile.
    audit: { interval: "24h" },
    ...config,
  });
  const world = new World({
    dir,
    stack,
    transport,
    proxy,
    pushes,
    gate,
    app,
    admin: new Person(adminLogin),
    annasPassword: annaLogin.password,
    anna: await new Person(annaLogin).open(),
    bert: await new Person(bertLogin).open(),
  });
  for (const { userId } of [annaLogin, bertLogin]) await world.liftMessageLimits(userId);
  return world;
}

function startRealServers(dir: string, known: Pick<StackOptions, "appservices">): Promise<Stack> {
  return startStack({
    dir,
    ...known,
    rateLimits: "lifted",
    synapse: { rc_message: { per_second: 0.2, burst_count: 10 }, filter_timeline_limit: -1 },
  });
}

async function register(stack: Stack, name: string, admin = false) {
  const { baseUrl } = stack.synapse;
  return { baseUrl, ...(await registerUser(stack.synapse, name, { admin })) };
}
