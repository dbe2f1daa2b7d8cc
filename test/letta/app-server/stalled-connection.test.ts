import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";

/** Takes connections, and says nothing: a server that hangs, or something else behind its port. */
let server: Server;
let sockets: Socket[];
let backend: AppServerBackend;

beforeEach(async () => {
  sockets = [];
  server = createServer((socket) => void sockets.push(socket.on("error", () => undefined)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  backend = new AppServerBackend({ url: `ws://127.0.0.1:${port}/ws`, toolAllowList: [], idleTimeoutMs: 1_000 });
});

afterEach(async () => {
  await backend.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** What a listing fails with that waits for the connection. */
async function listing(signal: AbortSignal): Promise<{ failure: Promise<unknown> }> {
  const connected = once(server, "connection");
  const failure = backend
    .listAgents(signal)
    [Symbol.asyncIterator]()
    .next()
    .catch((error: unknown) => error);
  await connected;
  return { failure };
}

const soon = 1_000;

test("who waits for a connection that never opens is let go as soon as that is wanted", async () => {
  const controller = new AbortController();
  const { failure } = await listing(controller.signal);
  controller.abort(new Error("the chart left the state"));
  expect(await Promise.race([failure, late()])).toMatchObject({ message: "the chart left the state" });
});

test("a connection that never opens holds up nobody's end", async () => {
  const { failure } = await listing(new AbortController().signal);
  const [socket] = sockets;
  const gone = socket === undefined ? undefined : once(socket.resume(), "close");
  expect(await Promise.race([backend.close(), late()])).toBeUndefined();
  expect(await Promise.race([failure, late()])).toMatchObject({ kind: "unreachable" });
  expect(await Promise.race([gone, late()])).not.toBe("late");
});

function late(): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, soon, "late"));
}
