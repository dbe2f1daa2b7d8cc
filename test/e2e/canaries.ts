import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newRegistration, registrationYaml } from "../../src/config/registration-text.ts";
import { openStore } from "../../src/runtime/embedded/open.ts";
import { Person } from "../crash/person.ts";
import { freePort } from "../servers/free-port.ts";
import { knownAs } from "../servers/homeserver/appservice/registration.ts";
import { createAgent } from "../servers/letta-agents.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { AppProcess } from "./app-process.ts";
import { eventually } from "./eventually.ts";
import { startProxy } from "./homeserver-proxy.ts";
import type { Transport } from "./pushed-house.ts";
import { startQuotingLetta } from "./quoting-letta.ts";

/** A secret, and where it was seen though it has no business there. */
export interface Leak {
  readonly secret: string;
  readonly place: string;
}

/** How it is set up. */
export interface Setting {
  /** Another build of the program. */
  readonly program?: string;
  readonly transport?: Transport;
  /** By which of its APIs Letta is spoken to. By REST, it quotes in its refusals, too. */
  readonly letta?: "app server" | "rest";
}

/**
 * Has a build of the program do what it does, with one marked secret of each kind, before a homeserver that quotes in its
 * refusals what it was shown; then looks for the secrets in everything that it has said and kept.
 */
export async function leaksOf(dir: string, setting: Setting = {}): Promise<readonly Leak[]> {
  const { program, transport = "client-server" } = setting;
  await mkdir(dir, { recursive: true });
  const pushed = transport === "appservice" ? await pushes(dir) : undefined;
  const stack = await startStandInStack(dir, pushed === undefined ? {} : { appservices: pushed.known });
  const { synapse, letta } = stack;
  const quoting = setting.letta === "rest" ? await startQuotingLetta(stack.model, "canary-of-letta") : undefined;
  const proxy = await startProxy(synapse.baseUrl);
  const port = await freePort();
  const root = await registerUser(synapse, "root", { admin: true });
  const anna = await registerUser(synapse, "anna");
  const secrets = new Map([
    ["the registration secret", synapse.registrationSharedSecret],
    ["the application service's token", pushed?.asToken ?? ""],
    ["the homeserver's token", pushed?.hsToken ?? ""],
    ["the administrator's token", root.accessToken],
    ["the administrator's password", root.password],
    ["the key of Letta", "canary-of-letta"],
    ["the internal key", "canary-internal-key"],
    ["the webhook secret", "canary-webhook-secret"],
    ["a person's access token", anna.accessToken],
    ["a person's password", anna.password],
  ]);
  const file = async (name: string): Promise<string> => {
    const path = join(dir, name.replaceAll(/\W/g, "-"));
    await writeFile(path, secrets.get(name) ?? "", { mode: 0o600 });
    return path;
  };
  const config = {
    homeserver: {
      url: proxy.url,
      server_name: synapse.serverName,
      ...(pushed === undefined
        ? { registration: { shared_secret: synapse.registrationSharedSecret } }
        : { appservice: pushed.config }),
      admin_token_file: await file("the administrator's token"),
    },
    letta:
      quoting === undefined
        ? { url: letta.url, token_file: await file("the key of Letta") }
        : { url: quoting.url, api_key_file: await file("the key of Letta"), attach_tools: true },
    invite: [anna.userId],
    core_users: { admin: "root", admin_password_file: await file("the administrator's password"), letta: "none" },
    discovery: { interval: "1s" },
    api: {
      listen: `127.0.0.1:${port}`,
      ...(quoting !== undefined && { public_url: `http://127.0.0.1:${port}` }),
      internal_key_file: await file("the internal key"),
      webhook_secret_file: await file("the webhook secret"),
    },
    log: { level: "trace" },
  };
  const app = await AppProcess.prepare(join(dir, "app"), config, program);
  const said = new Map<string, string>();
  const create = async (name: string) => {
    if (quoting !== undefined) await quoting.createAgent(name);
    else await createAgent(letta.url, { name, model: letta.modelHandle, persona: "" });
  };
  try {
    await app.start();
    await create("Scout");
    const created = await app.command("token", "create", "t", "--scope", ...scopes);
    const token = created.out.trimEnd().split("\n").at(-1) ?? "";
    secrets.set("an API token", secretIn(token));
    const ask = async (
      method: string,
      path: string,
      headers: Record<string, string>,
      body?: object,
      at = `http://127.0.0.1:${port}`,
    ) => {
      const json = { ...headers, ...(body !== undefined && { "content-type": "application/json" }) };
      const answer = await fetch(`${at}${path}`, {
        method,
        headers: json,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      said.set(`${method} ${path} (${said.size})`, `${await answer.text()} ${JSON.stringify([...answer.headers])}`);
    };
    const bearer = { authorization: `Bearer ${token}` };
    const scouts = await eventually(
      "Scout to have its room",
      async () => {
        const { agents } = await app.status();
        return agents.find(({ name, roomId }) => name === "Scout" && roomId !== undefined);
      },
      60_000,
    );
    const everything = async () => {
      await ask("GET", "/api/v1/agents/Scout", bearer);
      await ask("GET", "/api/v1/rooms/!nowhere/members?agent=Scout", bearer);
      await ask("POST", "/api/v1/rooms", bearer, { name: "Talk" });
      await ask("POST", "/api/v1/rooms/!nowhere/join", bearer, { agent: "Scout" });
      // What the room does not take is an actor's trouble, too.
      await ask("POST", `/api/v1/rooms/${scouts.roomId}/messages`, bearer, { text: "x", agent: "Scout" });
      await ask("GET", "/api/v1/status", { authorization: `Bearer ${token}x` });
      await ask("GET", "/rooms/list", { "x-internal-key": "canary-internal-key" });
      const own = { access_token: anna.accessToken };
      await ask("POST", "/send_message", {}, { room_id: "!nowhere:x", message: "x", ...own });
      await ask("POST", "/create_room", {}, { name: "Hers", ...own });
      await ask("POST", "/login", {}, { user_id: anna.userId, password: `${anna.password}`.slice(1) });
      if (pushed !== undefined) {
        const homeservers = { authorization: `Bearer ${pushed.hsToken}` };
        await ask("GET", "/_matrix/app/v1/nothing", homeservers, undefined, pushed.url);
        await ask("PUT", "/_matrix/app/v1/transactions/wrong", homeservers, { events: 1 }, pushed.url);
      }
      await ask("POST", "/webhooks/letta/agent-response", { "x-letta-signature": "canary-webhook-secret" }, {});
    };
    await everything();
    if (quoting !== undefined) {
      await eventually("Scout to have its tools", async () => (quoting.tokens.size > 1 ? true : undefined), 60_000);
      quoting.quote("changes");
      await create("Scribe");
      const person = new Person(synapse.baseUrl, anna);
      await person.join(scouts.roomId ?? "");
      await person.send(scouts.roomId ?? "", "hello", { msgtype: "m.text", body: "Hello?" });
      const quoted = "you have shown Bearer ";
      await eventually(
        "Letta's refusals to be told",
        async () => {
          const { events } = await person.read(scouts.roomId ?? "");
          const scribe = await app.command("agent", "Scribe", "--json");
          said.set("the room", JSON.stringify(events)).set("letta-matrix agent Scribe", scribe.out);
          return (
            ["the room", "letta-matrix agent Scribe"].every((place) => said.get(place)?.includes(quoted)) || undefined
          );
        },
        60_000,
      );
    }
    const end = proxy.interfere({
      instead: ({ token: shown, body }) => ({
        status: 403,
        body: JSON.stringify({ errcode: "M_FORBIDDEN", error: `you have shown ${shown}, and ${body}` }),
      }),
    });
    await create("Muse");
    await everything();
    await eventually(
      "Muse to be in trouble",
      async () => {
        const { agents } = await app.status();
        return agents.find(({ name, wait, health }) => name === "Muse" && (wait !== undefined || health !== "running"));
      },
      60_000,
    );
    quoting?.quote("everything");
    for (const command of [
      ["status", "--json"],
      ["agent", "Scout", "--json"],
      ["agent", "Muse", "--json"],
      ["inspect", "--json"],
      ["doctor", "--json"],
    ]) {
      const { out, err } = await app.command(...command);
      said.set(`letta-matrix ${command.join(" ")}`, out + err);
    }
    end();
  } finally {
    await app.stop();
    await proxy.close();
    await quoting?.stop();
    await stack.stop();
  }
  for (const token of quoting?.tokens ?? []) secrets.set(`an agent's token ${token.split("_")[1]}`, secretIn(token));
  said.set("the log", await readFile(join(dir, "app", "app.log"), "utf8"));
  await readStore(config, join(dir, "app"), secrets, said);
  await rm(dir, { recursive: true, force: true });
  return [...secrets].flatMap(([secret, text]) =>
    [...said].filter(([, shown]) => text !== "" && shown.includes(text)).map(([place]) => ({ secret, place })),
  );
}

/** The part of a token that nobody may see. */
function secretIn(token: string): string {
  return token.split("_").slice(2).join("_");
}

/** What makes the program an application service. */
async function pushes(dir: string) {
  const listen = `127.0.0.1:${await freePort()}`;
  const url = `http://${listen}`;
  const registration = newRegistration({ url, serverName: "localhost", spaceAlias: "letta-agents" });
  const file = join(dir, "registration.yaml");
  await writeFile(file, registrationYaml(registration), { mode: 0o600 });
  const { asToken, hsToken } = registration;
  return { url, asToken, hsToken, known: [knownAs(registration)], config: { registration_file: file, listen } };
}

/** Of the caller that is tried. */
const scopes = ["agents:read", "rooms:read", "rooms:write", "messages:send"];

/** Sessions are kept in one range, which is where they belong; they are canaries everywhere else. */
async function readStore(_: object, folder: string, secrets: Map<string, string>, said: Map<string, string>) {
  const { store, close } = await openStore(join(folder, "data", "store"), () => undefined, { create: false });
  try {
    for await (const [key, text] of store.scan("")) {
      const token: unknown = key.startsWith("v|") ? /"accessToken":"([^"]+)"/.exec(text)?.[1] : undefined;
      if (typeof token === "string") secrets.set(`the session ${key}`, token);
      if (!key.startsWith("v|")) said.set(`the store's row ${key}`, text);
    }
  } finally {
    await close();
  }
}
