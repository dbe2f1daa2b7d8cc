import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type App, createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { addressOf, agentLocalpart } from "../../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import type { Credentials } from "../../src/matrix/port.ts";
import { portraitOf } from "../../src/matrix/portrait.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";
import type { Figure } from "./figures.ts";
import { instantLetta } from "./instant-letta.ts";

const signal = AbortSignal.timeout(900_000);
const agentContext = z.object({ stale: z.boolean() });

/**
 * Making the homes of so many agents beside a script that makes only the requests that are needed, and letting all look
 * at what is theirs when nothing has changed beside a script that reads each room once. The homeserver is the same, so
 * most of it is the homeserver's time.
 */
export async function homes(count: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-bench-"));
  const agents = Array.from({ length: count }, (_, n) => ({ id: `agent-bench-${n}`, name: `Bench ${n}` }));
  try {
    const script = await onSynapse(join(folder, "script"), (synapse) => byScript(synapse, agents));
    const product = await onSynapse(join(folder, "product"), (synapse) => byProduct(folder, synapse, agents));
    const figure = { moreIsBetter: false } as const;
    return [
      {
        ...figure,
        name: `Making the homes of ${count} agents`,
        unit: "s",
        value: product.madeIn,
        baseline: { name: "only the requests that are needed", value: script.madeIn },
      },
      {
        ...figure,
        name: `Letting ${count} agents look when nothing has changed`,
        unit: "s",
        value: product.lookedIn,
        baseline: { name: "reading each room once", value: script.lookedIn },
      },
      {
        ...figure,
        name: "Requests of one such look",
        unit: "requests",
        value: product.requests / count,
        baseline: { name: "reading each room once", value: 1 },
      },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Agent {
  readonly id: string;
  readonly name: string;
}

async function onSynapse<T>(dir: string, work: (synapse: Synapse) => Promise<T>): Promise<T> {
  const synapse = await startSynapse({ dir, rateLimits: "lifted" });
  try {
    return await work(synapse);
  } finally {
    await synapse.stop();
  }
}

function connect({ baseUrl, serverName, registrationSharedSecret: secret }: Synapse): ClientServerHomeserver {
  return new ClientServerHomeserver({ baseUrl, serverName, registration: { kind: "shared-secret", secret } });
}

function register(homeserver: ClientServerHomeserver, localpart: string, displayName = localpart) {
  const account = { localpart, displayName, password: "only-for-this-bench", deviceId: "BENCH" };
  return homeserver.register(account, signal);
}

async function byScript(synapse: Synapse, agents: readonly Agent[]) {
  const homeserver = connect(synapse);
  const { userId: human } = await register(homeserver, "anna");
  const bot = homeserver.as(await register(homeserver, "bot"));
  const spaceId = await bot.createRoom({ aliasLocalpart: "space", name: "Space", roomType: "m.space" }, signal);
  const rooms: { readonly owner: Credentials; readonly roomId: string }[] = [];
  const madeIn = await seconds(async () => {
    await Promise.all(
      agents.map(async ({ id, name }) => {
        const owner = await register(homeserver, agentLocalpart(id), name);
        const client = homeserver.as(owner);
        const url = await client.upload(portraitOf(id), signal);
        await client.setAvatarUrl(url, signal);
        const via = { via: [synapse.serverName] };
        const initialState = [
          { type: "m.room.avatar", stateKey: "", content: { url } },
          { type: "m.space.parent", stateKey: spaceId, content: { ...via, canonical: true } },
        ];
        const request = { aliasLocalpart: agentLocalpart(id), name, topic: name, invite: [human], initialState };
        const roomId = await client.createRoom(request, signal);
        await bot.sendState(spaceId, "m.space.child", roomId, via, signal);
        const filter = { timelineTypes: ["m.room.message"], timelineLimit: 50, stateTypes: [] };
        await client.sync({ timeoutMs: 0, filter }, signal);
        rooms.push({ owner, roomId });
      }),
    );
  });
  const lookedIn = await seconds(async () => {
    await Promise.all(rooms.map(({ owner, roomId }) => homeserver.as(owner).roomState(roomId, signal)));
  });
  homeserver.close();
  return { madeIn, lookedIn };
}

async function byProduct(folder: string, synapse: Synapse, agents: readonly Agent[]) {
  const homeserver = connect(synapse);
  const { userId: human } = await register(homeserver, "anna");
  const configFile = join(folder, "letta-matrix.yaml");
  const { baseUrl: url, serverName: server_name, registrationSharedSecret: shared_secret } = synapse;
  const config = {
    homeserver: { url, server_name, registration: { shared_secret } },
    letta: { url: "ws://127.0.0.1:1" },
    invite: [human],
    history: { import: 0 },
  };
  await writeFile(configFile, JSON.stringify(config));
  const app = createApp(await loadConfig(configFile, {}), createLogger({ level: "warn", secrets: [] }), () => ({
    homeserver,
    people: homeserver.people,
    letta: instantLetta(agents),
    clock: systemClock,
    close: async () => homeserver.close(),
  }));
  const madeIn = await seconds(async () => {
    await app.start();
    await untilAtHome(app, server_name, agents);
  });
  const before = (await synapse.requests()).length;
  const lookedIn = await seconds(async () => {
    await Promise.all(agents.map(({ id }) => app.host.accept(addressOf.agent(server_name, id), { type: "INSPECT" })));
    await untilAtHome(app, server_name, agents);
  });
  const requests = (await synapse.requests()).slice(before).filter(({ path }) => !path.endsWith("/sync")).length;
  await app.stop();
  return { madeIn, lookedIn, requests };
}

/** Resolves when each has a room about which nothing is left to be done. */
async function untilAtHome(app: App, server: string, agents: readonly Agent[]): Promise<void> {
  const isAtHome = ({ id }: Agent): boolean => {
    const record = app.host.read(addressOf.agent(server, id));
    if (record === undefined || typeof record.value === "string") return false;
    return record.value["room"] === "ready" && !agentContext.parse(record.context).stale;
  };
  while (!agents.every(isAtHome)) await sleep(20, undefined, { signal });
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}
