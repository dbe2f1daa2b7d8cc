import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { listening, type TransportKind } from "../../servers/transports.ts";
import { answerTo, saidBy } from "../answers.ts";
import type { Exchange } from "../homeserver-proxy.ts";
import type { World } from "../world.ts";

const agents = 50;
/** They come by themselves to wherever the agents are, one room after the other. */
const coreUsers = ["admin", "letta"];
/** How long the idle agents are watched, ms. */
const watched = 5_000;
/** In which they take note of what happened before, and are quiet after that, ms. */
const settling = 60_000;

export function restarts(world: () => World, transport: TransportKind): void {
  it(`#10 #11 a restart with ${agents} agents repeats nothing, and an idle agent makes no request but its poll`, async () => {
    const { anna, app, proxy, stack } = world();
    for (const name of coreUsers) await world().liftMessageLimits(`@${name}:${stack.synapse.serverName}`);
    const missing = Math.max(0, agents - world().residents.length);
    await Promise.all(Array.from({ length: missing }, (_, index) => world().agent(`Idle ${index + 1}`)));
    await untilAllIdle(world());
    const { agents: known } = await app.status();
    await app.stop();

    const made: Exchange[] = [];
    const stopNoting = proxy.interfere({ instead: (exchange) => void made.push(exchange) });
    await app.start();
    await untilAllIdle(world());
    // Where the homeserver pushes, all agents look back once, some after the others; and once more after what was pushed late.
    await expect.poll(() => restless(made), { timeout: settling, interval: 0 }).toEqual([]);
    await app.stop();
    stopNoting();

    const isPushed = transport === "appservice";
    const isNew = (request: Exchange): boolean => !(isPoll(request) || (isPushed && isLookBack(request)));
    expect(made.filter(isNew).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    const held = made.filter((request) => isPoll(request) && request.query.get("timeout") !== "0");
    // One of them stays with a homeserver that pushes, for all.
    expect(new Set(held.map(askerOf)).size).toBe((isPushed ? 1 : known.length) + coreUsers.length);

    await app.start();
    const [agent] = world().residents;
    if (agent === undefined) throw new Error("nobody is there");
    const said = saidBy(anna, agent).length;
    const { questionId } = await world().ask(agent, "Are you back?");
    await answerTo(anna, agent, questionId);
    expect(saidBy(anna, agent)).toHaveLength(said + 1);
  });
}

/** Who makes more than one request from now on for a while: a poll may have ended, and another one followed it. */
async function restless(made: readonly Exchange[]): Promise<readonly string[]> {
  const before = made.length;
  await sleep(watched);
  const requests = Map.groupBy(made.slice(before), askerOf);
  return [...requests].filter(([, { length }]) => length > 1).map(([asker]) => asker);
}

function isPoll({ method, path, query }: Exchange): boolean {
  return method === "GET" && path.endsWith("/sync") && query.has("since");
}

/** By which an agent reads what was said, and we have the homeserver reach us. */
function isLookBack({ method, path }: Exchange): boolean {
  return method === "GET" || path.endsWith("/ping");
}

/** An application service has one token for all its users. */
function askerOf({ query, token }: Exchange): string {
  return query.get("user_id") ?? token;
}

/** Every agent listens, nobody waits for an answer, and the core users are everywhere. */
async function untilAllIdle(world: World): Promise<void> {
  const { app, residents, stack } = world;
  const busy = async (): Promise<readonly string[]> => {
    const { agents: known, conversations } = await app.status();
    const deaf = known.filter(
      ({ regions }) => regions["intake"] !== listening[world.transport] || regions["room"] !== "ready",
    );
    const talking = conversations.filter(({ answering, queued }) => answering || queued > 0);
    const missing = residents.filter(({ agentId }) => !known.some((agent) => agent.agentId === agentId));
    const absent = await Promise.all(
      coreUsers.map(async (name) => {
        const rooms = await world.roomsOf(`@${name}:${stack.synapse.serverName}`);
        const without = known.filter(({ roomId }) => roomId === undefined || !rooms.includes(roomId));
        return without.map(({ userId }) => `${name} with ${userId}`);
      }),
    );
    return [
      ...absent.flat(),
      ...deaf.map(({ userId }) => userId),
      ...talking.map(({ roomId }) => roomId),
      ...missing.map(({ name }) => name),
    ];
  };
  await expect.poll(busy, { timeout: 90_000, interval: 1_000 }).toEqual([]);
}
