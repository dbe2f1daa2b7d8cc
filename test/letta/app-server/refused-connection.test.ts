import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";

let server: Server | undefined;
let backend: AppServerBackend | undefined;

afterEach(async () => {
  await backend?.close();
  server?.close();
});

/** What a listing fails with where the connection is answered so. */
async function failureOf(status: number, headers = ""): Promise<unknown> {
  server = createServer();
  server.on("upgrade", (_, socket) => socket.end(`HTTP/1.1 ${status} Trouble\r\n${headers}Content-Length: 0\r\n\r\n`));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  backend = new AppServerBackend({ url: `ws://127.0.0.1:${port}/ws`, toolAllowList: [], idleTimeoutMs: 1_000 });
  const listing = backend.listAgents(new AbortController().signal)[Symbol.asyncIterator]();
  return listing.next().catch((error: unknown) => error);
}

test.each([
  [408, "", "unreachable", undefined],
  [429, "", "unreachable", undefined],
  [429, "Retry-After: 2\r\n", "unreachable", 2_000],
  [429, "Retry-After: Thu, 26 Nov 2026 04:00:00 GMT\r\n", "unreachable", undefined],
  [502, "", "unreachable", undefined],
  [401, "", "refused", undefined],
  [403, "", "refused", undefined],
  [404, "", "refused", undefined],
])(
  "a connection answered with HTTP status %s %j is %s, to be tried after %s ms",
  async (status, headers, kind, retryAfterMs) => {
    expect(await failureOf(status, headers)).toMatchObject({ kind, retryAfterMs });
  },
);
