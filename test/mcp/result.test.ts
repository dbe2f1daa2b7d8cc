import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { bindCommands } from "../../src/commands/index.ts";
import { Catalogue } from "../../src/mcp/catalogue.ts";
import { resultOf } from "../../src/mcp/result.ts";
import { shortened } from "../../src/mcp/shortened.ts";
import type { Tool } from "../../src/mcp/tool.ts";
import { installation, server } from "../api/installation.ts";
import { callersInMemory } from "../commands/callers.ts";

let tools: readonly Tool[];
beforeAll(async () => {
  tools = new Catalogue(bindCommands({ ...installation(), ...(await callersInMemory()), server })).of("all");
});

function resultBy(name: string, output: object) {
  const tool = tools.find(({ listed }) => listed.name === name);
  if (tool === undefined) throw new Error(`there is no tool ${name}`);
  const { content, structuredContent } = resultOf(tool, output);
  return { content, structuredContent: z.record(z.string(), z.unknown()).parse(structuredContent) };
}

const message = (text: string) => ({ event: "$e", sender: "@a:b", at: 1, kind: "m.text", text });

describe("what is given of a long result", () => {
  test("is less than is kept for a client whose stream was cut, and says that it is not all", () => {
    const messages = Array.from({ length: 100 }, () => message("x".repeat(4_000)));
    const { structuredContent, content } = resultBy("get_room_messages", { room: "!r", messages });
    expect(JSON.stringify({ structuredContent, content }).length).toBeLessThan(200_000);
    expect(structuredContent["cut"]).toMatch(/ask for less/);
    const given = z.array(z.object({ text: z.string() })).parse(structuredContent["messages"]);
    expect(given.length).toBeGreaterThan(10);
    expect(given[0]?.text).toMatch(/^x+$/);
  });

  test("has a long text cut, and all that is short whole", () => {
    const asked = { state: "answered", to: { agentId: "agent-2" }, room: "!r", event: "$e" };
    const answer = { outcome: "answer", text: "x".repeat(500_000) };
    const { structuredContent } = resultBy("send_message_to_agent", { ...asked, answer });
    expect(structuredContent).toMatchObject({ ...asked, answer: { outcome: "answer" }, cut: expect.any(String) });
    expect(JSON.stringify(structuredContent).length).toBeLessThan(150_500);
  });
});

test("a short result is given whole, and says nothing of being cut", () => {
  const output = { room: "!r", messages: [message("hello")] };
  const { structuredContent } = resultBy("get_room_messages", output);
  expect(structuredContent).toEqual({ untrusted: expect.any(String), ...output });
});

test("each tool that quotes declares what is said beside its result", () => {
  for (const { definition, listed } of tools) {
    const marks = ["untrusted", "cut"].filter((name) => name in (listed.outputSchema?.properties ?? {}));
    expect([listed.name, marks]).toEqual([listed.name, definition.quotes === true ? ["untrusted", "cut"] : []]);
  }
});

test("no half of a character is left where a text is cut", () => {
  for (const length of [1_000, 1_001]) {
    const { text } = shortened({ text: `${"x".repeat(length - 1_000)}${"🙂".repeat(2_000)}` }, 100);
    expect(z.string().parse(text).isWellFormed()).toBe(true);
  }
});
