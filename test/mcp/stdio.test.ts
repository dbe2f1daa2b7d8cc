import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as ClientOfToday } from "@modelcontextprotocol/client";
import { StdioClientTransport as TransportOfToday } from "@modelcontextprotocol/client/stdio";
import { Client as ClientOf2025 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as TransportOf2025 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { asAgentName, controlHandlers } from "../../src/cli/control-handlers.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { Changes } from "../../src/commands/watch/changes.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { ControlClient } from "../../src/runtime/control/client.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import type { Transition } from "../../src/runtime/host.ts";
import { recordOf } from "../actors/agent-record.ts";
import { installation, room, server } from "../api/installation.ts";
import { cliEnvironment } from "../cli/cli-environment.ts";
import { printing } from "../cli/printed.ts";
import { callersInMemory } from "../commands/callers.ts";
import { ofToday } from "./clients.ts";
import { followerOf2025, followerOfToday } from "./followers.ts";

// Each client starts a process, which takes seconds where much else runs.
vi.setConfig({ testTimeout: 180_000 });

const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;

let folder: string;
let control: ControlServer;
/** Hears of each step that an actor makes. */
let told: (transition: Transition) => void;
let closers: (() => Promise<void>)[];

beforeEach(async () => {
  closers = [];
  folder = await mkdtemp(join(tmpdir(), "mcp-"));
  await startProcess();
});

/** As far as the control socket goes. */
async function startProcess(): Promise<void> {
  const subscribe = (listener: (transition: Transition) => void) => {
    told = listener;
    return () => undefined;
  };
  const changes = new Changes({ subscribe }, systemClock);
  const commands = bindCommands({ ...installation(), ...(await callersInMemory()), server });
  control = new ControlServer({ path: controlSocketIn(folder), handlers: controlHandlers(commands, changes) });
  await control.start();
}

afterEach(async () => {
  for (const close of closers) await close();
  await control.stop();
  await rm(folder, { recursive: true });
});

interface Tools {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  readResource(which: { uri: string }): Promise<unknown>;
}

/** As a client's configuration would start it. */
function started(more: readonly string[]) {
  return { command: process.execPath, args: [main, "mcp", "--data", folder, ...more] };
}

const generations: readonly (readonly [string, (...more: readonly string[]) => Promise<Tools>])[] = [
  [
    "of 2025",
    async (...more) => {
      const client = new ClientOf2025({ name: "test", version: "1" });
      await client.connect(new TransportOf2025(started(more)));
      closers.push(() => client.close());
      return client;
    },
  ],
  [
    "of today",
    async (...more) => {
      const client = new ClientOfToday({ name: "test", version: "1" }, ofToday);
      await client.connect(new TransportOfToday(started(more)));
      closers.push(() => client.close());
      return client;
    },
  ],
];

describe.each(generations)("a client %s that starts the server", (_, connect) => {
  test("is served by the running process, as the one agent that is named", async () => {
    const client = await connect("--agent", "scout");
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toContain("send_matrix_message");
    const call = (name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args });
    expect(await call("list_agents", {})).toMatchObject({
      structuredContent: { agents: [{ name: "Scout" }, { name: "Muse" }] },
    });
    expect(await call("send_matrix_message", { room_id: room, message: "hello" })).toMatchObject({
      structuredContent: { state: "done" },
    });
    // One that is looked at is not the one that acts.
    expect(await call("get_agent_room", { agent: "Muse" })).toMatchObject({
      structuredContent: { agentId: "agent-2" },
    });
    expect(await call("send_matrix_message", { room_id: room, message: "hello", agent: "Muse" })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("Leave the agent out") }],
    });
    expect(await call("get_agent_room", { agent: "Nobody" })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('there is no agent "Nobody"') }],
    });
    // And it may no more than that agent.
    for (const operators of ["run_discovery", "drop_dead_letter", "release_actor", "pause_agent"]) {
      expect(names).not.toContain(operators);
      expect(await call(operators, {})).toMatchObject({ isError: true });
    }
    expect(await call("get_agent_status", { agent: "Muse" })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("about another agent") }],
    });
    const rooms = await call("list_matrix_rooms", {});
    expect(rooms).toMatchObject({ structuredContent: { rooms: [{ agentId: "agent-1" }] } });
    expect(rooms).not.toMatchObject({ structuredContent: { rooms: [{}, {}] } });
    await expect(client.readResource({ uri: "letta-matrix://status" })).rejects.toThrow("there is no resource");
    await expect(client.readResource({ uri: "letta-matrix://agents/Muse" })).rejects.toThrow("about another agent");
  });

  test("is served as whoever runs it, where no agent is named", async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["send_matrix_message", "drop_dead_letter"]));
  });
});

test.each([
  ["of 2025", () => followerOf2025(new TransportOf2025(started([])))],
  ["of today", () => followerOfToday(new TransportOfToday(started([])))],
])(
  "a client %s that starts the server hears what changes in the running process, and no more of it than that",
  async (_, open) => {
    const [scout, muse] = ["letta-matrix://agents/scout", "letta-matrix://agents/muse"];
    const follower = await open();
    closers.push(() => follower.close());
    expect(await follower.follow([scout, muse, "letta-matrix://agents/nobody"])).toEqual([scout, muse]);
    await follower.unfollow(muse);
    for (const agentId of ["agent-2", "agent-1"])
      told({
        record: recordOf({ id: addressOf.agent(server, agentId), machine: "agent", value: "ready" }),
        line: { revision: 1, at: 0, event: "POLLED", to: "ready", effects: [], handled: true },
      });
    await vi.waitFor(() => expect(follower.told).toContain(scout), { timeout: 30_000 });
    expect(follower.told).not.toContain(muse);
  },
);

test("a client that goes on when the process has ended is told so, and served again when it is back", async () => {
  const [, connect] = generations[0] ?? [];
  const client = await connect?.();
  await control.stop();
  expect(await client?.callTool({ name: "list_agents", arguments: {} })).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining("Start the program") }],
  });
  await startProcess();
  expect(await client?.callTool({ name: "list_agents", arguments: {} })).toMatchObject({
    structuredContent: { agents: [{ name: "Scout" }, { name: "Muse" }] },
  });
});

test("whoever acts as an agent may no more over the socket either", async () => {
  const client = new ControlClient({ path: controlSocketIn(folder), timeoutMs: 10_000 });
  const ask = (command: string, input: object) =>
    client.call(asAgentName, { agentId: "agent-1", command, input }, z.looseObject({}));
  expect(await ask("agents.room", { agent: "Muse" })).toMatchObject({ agentId: "agent-2" });
  await expect(ask("agents.pause", { agent: "agent-1" })).rejects.toThrow("admin:control");
  await expect(ask("agent", { agent: "Muse" })).rejects.toThrow("about another agent");
  await expect(ask("messages.list", { room, agent: "Muse" })).rejects.toThrow("does not act as");
  await expect(ask("no.command", {})).rejects.toThrow('no command "no.command"');
});

async function cli(...more: readonly string[]) {
  const { printed, console } = printing();
  const code = await runCli(["mcp", "--data", folder, ...more], cliEnvironment({ console }));
  return { code, ...printed };
}

test("an agent that does not exist is told before anything is served", async () => {
  const { code, out, err } = await cli("--agent", "Nobody");
  expect({ code, out }).toEqual({ code: exitCode.failed, out: "" });
  expect(err).toContain('there is no agent "Nobody"');
});

test("without a running process no agent can be found, and that is said", async () => {
  await control.stop();
  expect(await cli("--agent", "Scout")).toMatchObject({ code: exitCode.unavailable, out: "" });
});
