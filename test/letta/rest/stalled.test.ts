import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { RestBackend } from "../../../src/letta/rest/backend.ts";
import { all, never } from "../../contract/letta/server.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

test("an answer that stalls after its head, or in its body, ends the request within its limit", async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write("[");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const options = { toolAllowList: [], idleTimeoutMs: 1_000, timeoutMs: 50 };
  const backend = new RestBackend({ url: `http://127.0.0.1:${port}`, ...options });
  await expect(all(backend.listAgents(never))).rejects.toMatchObject({
    name: "LettaError",
    kind: "unreachable",
    message: expect.stringContaining("took too long"),
  });
});
