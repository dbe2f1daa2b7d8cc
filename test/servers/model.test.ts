import { afterEach, describe, expect, it } from "vitest";
import { type Model, startModel } from "./model.ts";

let model: Model;
afterEach(() => model.stop());

const ask = (content: string, stream = true, signal?: AbortSignal) =>
  fetch(`${model.url}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "stand-in", stream, messages: [{ role: "user", content }] }),
    ...(signal === undefined ? {} : { signal }),
  });

async function events(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""));
}

describe("the stand-in model", () => {
  it("lists itself", async () => {
    model = await startModel({ name: "other" });
    const response = await fetch(`${model.url}/models`);
    expect(await response.json()).toMatchObject({ data: [{ id: "other" }] });
  });

  it("streams an answer word by word and closes it as OpenAI does", async () => {
    model = await startModel();
    const response = await ask("[[say=one two three]]");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const frames = await events(response);
    expect(frames.pop()).toBe("[DONE]");
    const chunks = frames.map((frame) => JSON.parse(frame));
    expect(chunks.flatMap((chunk) => chunk.choices.map((choice: { delta: object }) => choice.delta))).toEqual([
      { role: "assistant", content: "" },
      { content: "one " },
      { content: "two " },
      { content: "three" },
      {},
    ]);
    expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: "stop" }] });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 2 } });
  });

  it("answers whole where no stream is wanted", async () => {
    model = await startModel();
    expect(await (await ask("[[say=one two]]", false)).json()).toMatchObject({
      choices: [{ message: { role: "assistant", content: "one two" }, finish_reason: "stop" }],
    });
  });

  it("calls a tool, streamed and whole", async () => {
    model = await startModel();
    const call = { function: { name: "Bash", arguments: expect.stringContaining("echo hi") } };
    const frames = await events(await ask("[[bash=echo hi]]"));
    const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame));
    expect(chunks[1]).toMatchObject({ choices: [{ delta: { tool_calls: [{ index: 0, ...call }] } }] });
    expect(chunks[2]).toMatchObject({ choices: [{ finish_reason: "tool_calls" }] });
    expect(await (await ask("[[bash=echo hi]]", false)).json()).toMatchObject({
      choices: [{ message: { tool_calls: [call] }, finish_reason: "tool_calls" }],
    });
  });

  it("waits before the first token and keeps the pace", async () => {
    model = await startModel();
    const start = performance.now();
    await events(await ask("[[delay=100]] [[tps=50]] [[say=a b c d e f]]"));
    expect(performance.now() - start).toBeGreaterThanOrEqual(195);
    const [call] = model.calls();
    expect((call?.firstTokenAt ?? 0) - (call?.at ?? 0)).toBeGreaterThanOrEqual(98);
    expect(call?.outcome).toBe("answered");
  });

  it("fails, and recovers after as many times as it was told", async () => {
    model = await startModel();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      const response = await ask("[[nonce=a]] [[error=503]] [[times=2]]");
      statuses.push(response.status);
      await response.text();
    }
    expect(statuses).toEqual([503, 503, 200]);
  });

  it("cuts the connection in mid-answer", async () => {
    model = await startModel();
    const response = await ask("[[say=one two three]] [[cut=1]]");
    const seen: string[] = [];
    await expect(async () => {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) seen.push(text);
    }).rejects.toThrow();
    expect(seen.join("")).toContain('"one "');
    expect(seen.join("")).not.toContain('"two "');
    expect(model.calls()).toMatchObject([{ outcome: "cut" }]);
  });

  it("stalls until the client leaves, and notes that", async () => {
    model = await startModel();
    const leave = new AbortController();
    const response = await ask("[[say=one two]] [[stall=1]]", true, leave.signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    while (!seen.includes('"one "')) seen += (await reader?.read())?.value ?? "";
    expect(model.calls()[0]).not.toHaveProperty("outcome");
    leave.abort();
    await expect.poll(() => model.calls()[0]?.outcome).toBe("aborted");
  });

  it("tells checkers of its calls by nonce", async () => {
    model = await startModel();
    for (const nonce of ["a", "b", "a"]) await events(await ask(`[[nonce=${nonce}]]`));
    const response = await fetch(new URL("/__requests", model.url));
    expect(await response.json()).toMatchObject({
      requests: [
        { number: 1, nonce: "a", outcome: "answered" },
        { number: 2, nonce: "b", outcome: "answered" },
        { number: 3, nonce: "a", outcome: "answered" },
      ],
    });
  });

  it("behaves as a test's function says, until told otherwise", async () => {
    model = await startModel();
    model.behave((request) => ({ text: `${request.earlier} before` }));
    await events(await ask("[[nonce=a]]"));
    expect((await events(await ask("[[nonce=a]]"))).join("")).toContain('"1 "');
    model.behave();
    expect((await events(await ask("hello"))).join("")).toContain("(stand-in, ");
  });

  it("refuses what is no chat completion request", async () => {
    model = await startModel();
    const response = await fetch(`${model.url}/chat/completions`, { method: "POST", body: "{" });
    expect(response.status).toBe(400);
    expect((await fetch(`${model.url}/embeddings`)).status).toBe(404);
  });
});
