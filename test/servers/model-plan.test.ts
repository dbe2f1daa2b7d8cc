import { describe, expect, it } from "vitest";
import { directed, dueAt, readAnswer, tokens } from "./model-plan.ts";
import { type ModelRequest, readDirectives, withoutDirectives } from "./model-request.ts";

function asked(question: string, more: Partial<ModelRequest> = {}): ModelRequest {
  const directives = readDirectives(question);
  const nonce = directives.get("nonce");
  return {
    model: "stand-in",
    stream: true,
    question,
    directives,
    ...(nonce === undefined ? {} : { nonce }),
    toolResults: [],
    tools: [],
    earlier: 0,
    past: [],
    ...more,
  };
}

describe("the stand-in model's directives", () => {
  it("are read with and without value, the last of a name wins, and are no part of the question", () => {
    const text = 'Hi [[nonce=a]]\nthere [[bash]] [[nonce=b]] [[arguments={"x": [1]}]] [not this]';
    expect(Object.fromEntries(readDirectives(text))).toEqual({ nonce: "b", bash: "", arguments: '{"x": [1]}' });
    expect(withoutDirectives(text)).toBe("Hi there [not this]");
  });

  it("an answer says that no real model gave it, and has nonce, word and question", () => {
    const { text = "" } = directed(asked("What now? [[nonce=n7]]", { secretWord: "plum" }));
    expect(text).toBe("(stand-in, no real model) nonce=n7 word=plum You asked: What now?");
    expect(readAnswer(text)).toEqual({ nonce: "n7", secretWord: "plum" });
    expect(readAnswer(directed(asked("x")).text ?? "")).toEqual({});
  });

  it("words, delay and tps shape the answer", () => {
    const plan = directed(asked("[[words=3]] [[delay=2000]] [[tps=20]]"));
    expect(plan).toMatchObject({ delayMs: 2000, tokensPerSecond: 20 });
    expect(plan.text).toMatch(/ w1 w2 w3$/);
    expect(dueAt(plan, 0)).toBe(2000);
    expect(dueAt(plan, 200)).toBe(12_000);
    expect(tokens(plan.text ?? "").join("")).toBe(plan.text);
  });

  it("say replaces the answer", () => {
    expect(directed(asked("[[say=<no-reply/>]]")).text).toBe("<no-reply/>");
  });

  it("bash and tool call a tool, and answer once they have its result", () => {
    const bash = directed(asked("[[bash=touch x]]"));
    expect(bash.text).toBeUndefined();
    expect(bash.toolCall?.name).toBe("Bash");
    expect(JSON.parse(bash.toolCall?.arguments ?? "")).toMatchObject({ command: "touch x" });
    expect(directed(asked('[[tool=search]] [[arguments={"q": 1}]]')).toolCall).toEqual({
      name: "search",
      arguments: '{"q": 1}',
    });
    const after = directed(asked("[[bash]]", { toolResults: ["it ran"] }));
    expect(after.toolCall).toBeUndefined();
    expect(after.text).toContain("The tool said: it ran");
  });

  it.each([
    ["[[error]]", { error: { status: 500 } }],
    ["[[error=429]]", { error: { status: 429 } }],
    ["[[stall]]", { stallAfter: 0 }],
    ["[[stall=4]]", { stallAfter: 4 }],
    ["[[cut=2]]", { cutAfter: 2 }],
  ])("%s makes trouble", (question, plan) => {
    expect(directed(asked(question))).toMatchObject(plan);
  });

  it("times ends the trouble after that many requests of the nonce", () => {
    const question = "[[nonce=a]] [[error=503]] [[times=2]]";
    expect(directed(asked(question, { earlier: 1 })).error?.status).toBe(503);
    const third = directed(asked(question, { earlier: 2 }));
    expect(third.error).toBeUndefined();
    expect(readAnswer(third.text ?? "").nonce).toBe("a");
  });

  it("a misspelt one is an error, not a silent nothing", () => {
    expect(directed(asked("[[nonse=1]]")).error).toMatchObject({
      status: 400,
      message: expect.stringContaining("nonse"),
    });
  });
});
