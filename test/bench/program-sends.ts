import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { z } from "zod";
import { tokensCreate } from "../../src/commands/tokens/tokens.ts";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import type { MatrixClient } from "../../src/matrix/port.ts";
import { ControlClient } from "../../src/runtime/control/client.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { freePort } from "../servers/free-port.ts";
import { startSynapse } from "../servers/synapse.ts";
import { type Figure, percentile } from "./figures.ts";
import { Subject } from "./turn-cost.ts";

/** Ms that a send through the program may take beyond one that goes to the homeserver itself. */
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

const said = z.object({ state: z.literal("done"), events: z.tuple([z.string()]) });
const toolSaid = z.object({ isError: z.literal(false).optional(), structuredContent: said });

/**
 * How long a program waits for the event's id of what it has an agent say, by REST and by an MCP tool, beside a direct
 * `PUT /send` into the same room. The program has written it down before it is sent, and what became of it after.
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

    const ways: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
      // Agents leave notices alone.
      direct: (body) => human.send(room, "m.room.message", body, { msgtype: "m.notice", body }, signal),
      async rest(text) {
        const response = await fetch(`${api}/api/v1/rooms/${encodeURIComponent(room)}/messages`, {
          method: "POST",
          headers: { authorization, "content-type": "application/json" },
          body: JSON.stringify({ text }),
        });
        said.parse(await response.json());
      },
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
