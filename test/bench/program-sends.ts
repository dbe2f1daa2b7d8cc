import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { z } from "zod";
import { tokensCreate } from "../../src/commands/tokens/tokens.ts";
import { agentUserId } from "../../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import type { MatrixClient } from "../../src/matrix/port.ts";
import { ControlClient } from "../../src/runtime/control/client.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { freePort } from "../servers/free-port.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";
import { type Figure, percentile } from "./figures.ts";
import { call, type Raw } from "./subjects/call.ts";
import { Subject } from "./turn-cost.ts";

/** Ms that a send through the program may take beyond the same one that goes to the homeserver itself. */
const aim = 3;

/** The room is there before its guests are asked in. */
async function invited(human: MatrixClient, room: string, signal: AbortSignal): Promise<void> {
  const filter = { timelineTypes: [], timelineLimit: 1, stateTypes: [], notSenders: [] };
  for (let since: string | undefined; ; ) {
    const timeoutMs = since === undefined ? 0 : 30_000;
    const answer = await human.sync({ timeoutMs, filter, ...(since !== undefined && { since }) }, signal);
    if (answer.invited.some(({ roomId }) => roomId === room)) return;
    since = answer.nextBatch;
  }
}

const loggedIn = z.object({ access_token: z.string() });

/** A token of the agent's, for who makes the same requests without the program. */
async function tokenOf(userId: string, synapse: Synapse): Promise<string> {
  const { accessToken } = await registerUser(synapse, "administrator", { admin: true });
  const response = await fetch(`${synapse.baseUrl}/_synapse/admin/v1/users/${encodeURIComponent(userId)}/login`, {
    method: "POST",
    headers: { authorization: `Bearer ${accessToken}` },
    body: "{}",
  });
  return loggedIn.parse(await response.json()).access_token;
}

const said = z.object({ state: z.literal("done"), events: z.tuple([z.string()]) });
const toolSaid = z.object({ isError: z.literal(false).optional(), structuredContent: said });

/**
 * How long a program waits for the event's id of what it has an agent say, by REST and by an MCP tool, beside a direct
 * `PUT /send` of the same content by the same user into the same room. The program has written it down before it is sent, and what became of it after.
 */
export async function programSends({
  rounds,
  sends,
}: {
  readonly rounds: number;
  readonly sends: number;
}): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-bench-"));
  const synapse = await startSynapse({ dir: join(folder, "synapse"), rateLimits: "lifted" });
  const { baseUrl, serverName, registrationSharedSecret: secret } = synapse;
  const homeserver = new ClientServerHomeserver({ ...synapse, registration: { kind: "shared-secret", secret } });
  const stops: (() => unknown)[] = [];
  try {
    const signal = AbortSignal.timeout(600_000);
    const account = { localpart: "anna", password: "only-for-this-bench", deviceId: "ANNA" };
    const human = homeserver.as(await homeserver.register(account, signal));
    const dataFolder = join(folder, "app");
    const apiPort = await freePort();
    const task = { baseUrl, serverName, secret, dataFolder, human: human.userId, apiPort };
    const subject = await Subject.start("app", task);
    stops.push(() => subject.stop());
    const { roomId: room } = subject;
    await invited(human, room, signal);
    await human.join(room, signal);
    const control = new ControlClient({ path: controlSocketIn(dataFolder), timeoutMs: 10_000 });
    const wanted = { name: "bench", scopes: ["messages:send"], agent: "Bench" };
    const { token } = await control.call(tokensCreate.name, wanted, tokensCreate.output);
    const authorization = `Bearer ${token}`;
    const api = `http://127.0.0.1:${apiPort}`;
    const client = new Client({ name: "bench", version: "1" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${api}/mcp/matrix`), { requestInit: { headers: { authorization } } }),
    );
    stops.push(() => client.close());

    const asAgent: Raw = { baseUrl, token: await tokenOf(agentUserId(serverName, "agent-bench"), synapse) };
    const roomPath = `/rooms/${encodeURIComponent(room)}`;
    const rest = async (text: string): Promise<string> => {
      const response = await fetch(`${api}/api/v1${roomPath}/messages`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ text }),
      });
      const [eventId] = said.parse(await response.json()).events;
      return eventId;
    };
    // What the program makes of a text: the homeserver has no less to do with what goes there directly.
    const sample = await call(asAgent, "GET", `${roomPath}/event/${encodeURIComponent(await rest("a sample"))}`);
    const { content } = z.object({ content: z.record(z.string(), z.unknown()) }).parse(sample);
    const ways: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
      direct: (body) =>
        call(asAgent, "PUT", `${roomPath}/send/m.room.message/${encodeURIComponent(body)}`, { ...content, body }),
      rest,
      async tool(message) {
        const call = { name: "send_matrix_message", arguments: { room_id: room, message } };
        toolSaid.parse(await client.callTool(call));
      },
    };
    const taken = new Map<string, number[]>();
    for (let round = -1; round < rounds; round++)
      for (const [way, send] of Object.entries(ways))
        for (let n = 0; n < sends; n++) {
          const begun = performance.now();
          await send(`${way}-${round}-${n}`);
          // The first round warms up.
          if (round >= 0) taken.set(way, [...(taken.get(way) ?? []), performance.now() - begun]);
        }
    const p50 = (way: string) => percentile(taken.get(way) ?? [], 0.5);
    const figure = (what: string, way: string): Figure => ({
      name: `${what}, durable, p50 of ${rounds * sends}; ${(p50(way) - p50("direct")).toFixed(1)} ms more (aim: ${aim})`,
      unit: "ms",
      value: p50(way),
      baseline: { name: "direct PUT /send", value: p50("direct") },
      moreIsBetter: false,
    });
    return [figure("REST send", "rest"), figure("MCP tool call", "tool")];
  } finally {
    for (const stop of stops) await stop();
    homeserver.close();
    await synapse.stop();
    await rm(folder, { recursive: true });
  }
}
