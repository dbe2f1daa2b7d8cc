import { expect, onTestFinished, test } from "vitest";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";
import type { TurnRequest } from "../../../src/letta/port.ts";
import { agreeable, startFakeServer } from "./fake-server.ts";
import { ManualTimer } from "./manual-timer.ts";

test("a message is sent over no other connection than the one by which its answer would be heard", async () => {
  const timer = new ManualTimer();
  const server = await startFakeServer((command) =>
    command.type === "input"
      ? { type: "input_accepted", runtime: command["runtime"], accepted: false }
      : agreeable(command),
  );
  const backend = new AppServerBackend({
    url: server.url,
    toolAllowList: [],
    idleTimeoutMs: 60_000,
    replyWithinMs: 30_000,
    pingEveryMs: 15_000,
    startTimer: timer.start,
  });
  onTestFinished(async () => {
    await backend.close();
    await server.close();
  });
  const request: TurnRequest = {
    conversation: { agentId: "agent-1", conversationId: "conversation-1" },
    otid: "otid-1",
    text: "Hello",
    beforeApproval: async () => {},
  };
  const ended = Array.fromAsync(backend.ask(request, new AbortController().signal)).catch((error: unknown) => error);
  await server.next("input");
  // It waits to try again, and looks whether the connection is well.
  await expect.poll(() => timer.pending).toBe(2);
  server.drop();
  await expect.poll(() => timer.pending).toBe(1);
  timer.advance(60_000);
  expect(await ended).toMatchObject({ kind: "unreachable" });
  expect(server.received.filter(({ type }) => type === "input")).toHaveLength(1);
});
