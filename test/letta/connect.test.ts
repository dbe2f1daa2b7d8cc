import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectLetta } from "../../src/letta/connect.ts";
import { freePort } from "../servers/free-port.ts";

const asked: IncomingMessage[] = [];
const server = createServer((request, response) => {
  asked.push(request);
  response.writeHead(401, { "content-type": "application/json" }).end('{"detail":"no"}');
});
server.on("upgrade", (request, socket) => {
  asked.push(request);
  socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
});
let address = "";

beforeEach(async () => {
  asked.length = 0;
  const port = await freePort();
  address = `127.0.0.1:${port}`;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

/** What the first listing sends, and how it fails. */
async function firstListing(options: Parameters<typeof connectLetta>[0]) {
  const letta = connectLetta(options);
  const error: unknown = await Array.fromAsync(letta.listAgents(new AbortController().signal)).catch((it) => it);
  await letta.close();
  return { error, request: asked[0] };
}
const turns = { toolAllowList: [], toolAskList: [], idleTimeoutMs: 1_000 };

test("an http:// address is Letta's REST API: the key goes there, and into no error", async () => {
  const { error, request } = await firstListing({ url: `http://${address}`, apiKey: "sk-let-1", ...turns });
  expect(request?.url).toMatch(/^\/v1\/agents\/\?/);
  expect(request?.headers.authorization).toBe("Bearer sk-let-1");
  expect(error).toMatchObject({ kind: "refused", remedy: expect.stringContaining("letta.api_key") });
  expect(inspect(error, { depth: 9 })).not.toContain("sk-let-1");
});

test("without a key none is sent, also when the environment has one for somebody else", async () => {
  const before = process.env["LETTA_API_KEY"];
  process.env["LETTA_API_KEY"] = "somebody-elses";
  try {
    const { request } = await firstListing({ url: `http://${address}`, ...turns });
    expect(request?.headers.authorization).toBeUndefined();
  } finally {
    if (before === undefined) delete process.env["LETTA_API_KEY"];
    else process.env["LETTA_API_KEY"] = before;
  }
});

test("a ws:// address is an App Server, which listens at /ws", async () => {
  const { error, request } = await firstListing({ url: `ws://${address}`, token: "t0ken", ...turns });
  expect(request?.url).toBe("/ws");
  expect(request?.headers.upgrade).toBe("websocket");
  expect(request?.headers.authorization).toBe("Bearer t0ken");
  expect(error).toMatchObject({ kind: "refused" });
});
