import { beforeAll, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import type { BoundCommand } from "../../src/commands/command.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { Catalogue } from "../../src/mcp/catalogue.ts";
import { failureOf } from "../../src/mcp/failure.ts";
import type { Tool } from "../../src/mcp/tool.ts";
import { installation, room, server } from "../api/installation.ts";
import { callersInMemory } from "../commands/callers.ts";

/** A model knows tools and their arguments, and nothing of commands and their fields. */

let commands: readonly BoundCommand[];
let tools: readonly Tool[];
let accepted: unknown[];

beforeAll(async () => {
  const base = installation();
  accepted = [];
  const host = { ...base.host, accept: async (to: string) => void accepted.push(to) };
  commands = bindCommands({ ...base, ...(await callersInMemory()), server, host });
  tools = new Catalogue(commands).of("all");
});

/** All that stands in backticks, without what is only a value. */
const quotedWords = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);

function namesOfCommands(text: string): readonly string[] {
  const known = new Set(commands.map(({ name }) => name));
  const names = new Set(tools.map(({ listed }) => listed.name));
  return quotedWords(text).filter((word) => word.startsWith("letta-matrix") || (known.has(word) && !names.has(word)));
}

const call = {
  principal: { name: "tester", scopes: new Set(scopes) },
  requestId: "1",
  signal: new AbortController().signal,
};

/** What a model is told. */
async function toldBy(name: string, args: object): Promise<string> {
  const tool = tools.find(({ listed }) => listed.name === name);
  const logged: object[] = [];
  try {
    return JSON.stringify(await tool?.run(args, call));
  } catch (error) {
    const logger = { error: (fields: object) => void logged.push(fields) };
    const { signal } = new AbortController();
    const { text } = failureOf(error, { logger, signal, what: "it failed", about: {} });
    expect(logged).toEqual([]);
    return text;
  }
}

test("no text of a tool names another one by its command", () => {
  expect(tools.map(({ listed }) => [listed.name, namesOfCommands(JSON.stringify(listed))])).toEqual(
    tools.map(({ listed }) => [listed.name, []]),
  );
  const sending = tools.find(({ listed }) => listed.name === "send_matrix_message");
  expect(sending?.listed.description).toContain(
    "take `send_message_to_agent`; to answer one message take `reply_to_message`",
  );
});

test("what is wrong with a call is told by the names that the tool has for its arguments", async () => {
  const told = await toldBy("send_matrix_message", { room_id: "nowhere", mentions: [3] });
  expect(told).toMatch(/^"send_matrix_message" cannot take these arguments: room_id: .*; message: .*; mentions\.0: /);
  expect(told).not.toMatch(/messages\.send|\btext:/);
});

test("what a model is told to do is something that it can do", async () => {
  const told = await toldBy("get_agent_room", { agent: "Nobody at all" });
  expect(told).toContain("`list_agents` lists them");
  expect(namesOfCommands(told)).toEqual([]);
});

describe("an argument that a tool does not have", () => {
  test.each([
    ["though its command has a field of that name", { to: "agent-2" }],
    ["nor does its command", { whatever: 1 }],
    ["and is no more than what every object has", { constructor: "x" }],
  ])("is refused, with those that there are: %s", async (_, more) => {
    accepted.length = 0;
    const told = await toldBy("send_message_to_agent", { agent: "Scout", message: "x", from_agent: "Muse", ...more });
    expect(told).toBe(
      `"send_message_to_agent" takes no argument "${Object.keys(more)[0]}". Its arguments are: agent, message, from_agent, wait_seconds, idempotency_key.`,
    );
    expect(accepted).toEqual([]);
  });

  test("is refused where there are none at all", async () => {
    expect(await toldBy("get_system_status", { agent: "Scout" })).toContain("there are none");
  });

  test("is refused by its command's own name, too", async () => {
    expect(await toldBy("get_room_messages", { room })).toContain('takes no argument "room"');
  });
});

test("what is no object is refused as such", async () => {
  expect(await toldBy("list_agents", ["x"])).toContain('"list_agents" cannot take these arguments: must be an object');
});
