import { createHmac } from "node:crypto";
import Fastify, { type FastifyInstance } from "fastify";
import { z } from "zod";
import { FailedLogins } from "../../../src/actors/guests/failed-logins.ts";
import { Guests } from "../../../src/actors/guests/guests.ts";
import type { FormerOptions } from "../../../src/api/former/options.ts";
import { formerPart } from "../../../src/api/former/part.ts";
import { type Principal, type Scope, scopes } from "../../../src/commands/access/principal.ts";
import { type BoundCommand, bind, type Call, type CommandContext } from "../../../src/commands/command.ts";
import type { EndedRun, Verdict } from "../../../src/commands/outside/outside-runs.ts";
import { isAgentUser } from "../../../src/machines/addresses.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { untroubled, unused } from "../../commands/untroubled.ts";
import { FakeHomeserver } from "../../ports/fake-homeserver.ts";
import { FakePeople } from "../../ports/fake-people.ts";
import { SimulatedClock } from "../../runtime/simulated-clock.ts";

export const secrets = {
  internalKey: "canary-internal-key",
  webhookSecret: "canary-webhook-secret",
  password: "canary-password",
  token: "canary_letta_matrix_token",
} as const;

export const botUserId = "@letta-matrix:test";

export interface Asked {
  readonly name: string;
  readonly input: unknown;
  readonly principal: Principal;
}

const key = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/)
  .exactOptional();
const agent = z.string().exactOptional();
/** What the commands themselves take, as far as it is given here. */
const inputs: Readonly<Record<string, z.ZodType<object>>> = {
  "messages.send": z.strictObject({ room: z.string(), text: z.string().min(1).max(200_000), agent, key }),
  "messages.list": z.strictObject({ room: z.string(), agent, limit: z.int().min(1).max(100) }),
  "rooms.create": z.strictObject({
    name: z.string().trim().min(1).max(255),
    topic: z.string().max(1_000).exactOptional(),
    invite: z.array(z.string()).max(50).default([]),
  }),
  "tokens.create": z.strictObject({ name: z.string(), scopes: z.array(z.string()), expiresAt: z.int().positive() }),
};
const newToken = z.strictObject({ name: z.string(), scopes: z.array(z.enum(scopes)), expiresAt: z.number() });

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
}

interface Given {
  /** Through a real connection, where bodies come and connections end as they do. */
  readonly overHttp?: boolean;
  readonly ratePerMinute?: number;
  readonly access?: Partial<FormerOptions["access"]>;
  readonly verdict?: Verdict;
  readonly outside?: FormerOptions["outside"];
  readonly agents?: readonly object[];
  readonly guests?: FormerOptions["guests"];
  readonly homeserver?: FormerOptions["homeserver"];
}

/** The former routes on a server of their own, with a homeserver, people, and commands that remember what was asked. */
export function former(given: Given = {}) {
  const clock = new SimulatedClock();
  const homeserver = new FakeHomeserver(clock);
  const people = new FakePeople(homeserver);
  const asked: Asked[] = [];
  const tokens = new Map<string, Principal>([
    [secrets.token, { name: "tester", tokenId: "1", scopes: new Set(scopes) }],
  ]);
  const wishes: z.output<typeof newToken>[] = [];
  const registered: string[] = [];
  const judged: EndedRun[] = [];
  const lines: string[] = [];
  /** What the next command of this name throws. */
  const failing = new Map<string, unknown>();
  const posted = new Map<string, string>();
  const audited: object[] = [];

  const answersOf: Readonly<Record<string, (input: object) => object>> = {
    "messages.send": (input) => {
      const key = String(Reflect.get(input, "key") ?? `another ${asked.length}`);
      const eventId = posted.get(key) ?? `$sent-${posted.size + 1}`;
      posted.set(key, eventId);
      return { state: "done", events: [eventId], key };
    },
    "messages.list": (input) => ({
      messages: [2, 1].map((at) => ({
        event: `$${Reflect.get(input, "room")}-${at}`,
        sender: "@anna:test",
        text: `text ${at}`,
        at: at * 1_000,
      })),
    }),
    rooms: () => ({ rooms: [{ roomId: "!one:test", agentId: "agent-1", name: "Scout", own: true }] }),
    "rooms.create": () => ({ room: "!made:test" }),
    agents: () => ({
      agents: given.agents ?? [
        { agentId: "agent-1", name: "Scout", userId: "@agent_1:test", roomId: "!one:test", regions: { life: "live" } },
        { agentId: "agent-2", userId: "@agent_2:test", regions: { life: "live" } },
        { agentId: "agent-3", name: "Gone", userId: "@agent_3:test", regions: { life: "retired" } },
      ],
    }),
    "tokens.create": (input) => {
      const wish = newToken.parse(input);
      wishes.push(wish);
      const token = `issued-${wishes.length}`;
      tokens.set(token, { name: wish.name, tokenId: token, scopes: new Set(wish.scopes) });
      return { token };
    },
    "discovery.run": () => ({ listed: 3, fresh: 1, renamed: 0, back: 0, missing: 0, disabled: 0 }),
  };
  const scopeOf: Readonly<Record<string, Scope>> = {
    "messages.send": "messages:send",
    "messages.list": "messages:read",
    rooms: "rooms:read",
    "rooms.create": "rooms:write",
    agents: "agents:read",
    "discovery.run": "admin:control",
  };
  const commands: BoundCommand[] = Object.entries(answersOf).map(([name, answer]) =>
    bind(
      {
        name,
        summary: name,
        guidance: name,
        scope: scopeOf[name] ?? "admin:control",
        changes: true,
        input: inputs[name] ?? z.strictObject({}),
        output: z.looseObject({}),
        async run(input, _, { principal }: Call) {
          asked.push({ name, input, principal });
          if (failing.has(name)) throw failing.get(name);
          return { ...answer(input) };
        },
      },
      nothing(clock),
    ),
  );

  const server = Fastify({
    routerOptions: { maxParamLength: 10_000 },
    frameworkErrors: (error, _, reply) => {
      reply.hijack();
      reply.raw.writeHead(error.statusCode ?? 400, { "content-type": "application/json" });
      reply.raw.end(JSON.stringify({ success: false, message: "the address is not well-formed" }));
    },
  });
  const guests = new Guests({
    people,
    homeserver,
    logins: new FailedLogins(clock),
    isOurs: (userId) => isAgentUser(userId) || userId === botUserId,
  });
  server.register(
    async (root) =>
      await formerPart({
        commands,
        authentication: { principalOf: (token) => tokens.get(token) },
        guests: given.guests ?? guests,
        audit: {
          record: async ({ principal, requestId }, entry) => {
            audited.push({ who: principal.name, requestId, ...entry });
          },
        },
        outside: given.outside ?? {
          register: (agentId) => registered.push(agentId),
          judge: async (run) => {
            judged.push(run);
            return given.verdict ?? { kind: "outside", roomId: "!one:test", text: run.texts.join("\n\n") };
          },
        },
        homeserver: given.homeserver ?? { serverName: "test", url: "http://homeserver:8008" },
        botUserId,
        access: { legacyOpen: false, internalKey: secrets.internalKey, ...given.access },
        ratePerMinute: given.ratePerMinute ?? 100_000,
        clock,
        logger: createLogger({
          level: "trace",
          secrets: [],
          destination: { write: (line) => void lines.push(line) },
        }),
      })(root),
  );

  return {
    server,
    clock,
    homeserver,
    people,
    asked,
    tokens,
    wishes,
    registered,
    judged,
    lines,
    failing,
    posted,
    /** What was changed by no command. */
    audited,
    /** Every answer has one shape or the other, and is no problem detail. */
    async call(method: "GET" | "POST", url: string, sent: Sent) {
      const { body, headers } = sent;
      if (given.overHttp === true) return await ask(server, method, url, sent);
      const answer = await server.inject({
        method,
        url,
        headers: { ...(typeof body === "string" && { "content-type": "application/json" }), ...headers },
        ...(body !== undefined && { payload: body }),
      });
      const json: unknown = JSON.parse(answer.body);
      return { status: answer.statusCode, body: json, text: answer.body, headers: answer.headers };
    },
  };
}

export const bearer = { authorization: `Bearer ${secrets.token}` };
export const keyed = { "x-internal-key": secrets.internalKey };

export function signature(body: string, at: number, secret: string = secrets.webhookSecret): string {
  const time = Math.floor(at / 1000);
  return `t=${time},v1=${createHmac("sha256", secret).update(`${time}.${body}`).digest("hex")}`;
}

async function ask(server: FastifyInstance, method: string, url: string, { headers, body }: Sent) {
  if (server.addresses().length === 0) await server.listen({ host: "127.0.0.1", port: 0 });
  const [address] = server.addresses();
  const answer = await fetch(`http://127.0.0.1:${typeof address === "object" ? address.port : 0}${url}`, {
    method,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const json: unknown = JSON.parse(text);
  return { status: answer.status, body: json, text, headers: Object.fromEntries(answer.headers) };
}

/** What commands work on that work on nothing. */
function nothing(clock: SimulatedClock): CommandContext {
  return {
    server: "test",
    clock,
    ...unused,
    adoption: { adopt: () => Promise.reject(new Error("nothing is adopted here")) },
    host: {
      ...untroubled,
      async *list() {},
      read: () => undefined,
      accept: async () => undefined,
      ask: () => Promise.reject(new Error("nothing is asked")),
      journal: async () => [],
    },
  };
}
