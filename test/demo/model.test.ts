import { describe, expect, it } from "vitest";
import { chooseModel } from "../../demo/model.ts";

describe("the demo's model", () => {
  it("is the stand-in without a key, and a blank key is none", () => {
    expect(chooseModel({})).toEqual({ kind: "stand-in" });
    expect(chooseModel({ ANTHROPIC_API_KEY: " ", OPENAI_API_KEY: "" })).toEqual({ kind: "stand-in" });
  });

  it("is the provider's whose key is set, by name if one is named", () => {
    expect(chooseModel({ ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "o" })).toMatchObject({
      model: { provider: "anthropic", name: "claude-haiku-4-5", apiKey: "k" },
    });
    expect(chooseModel({ OPENAI_API_KEY: "o", DEMO_MODEL: "gpt-x" })).toMatchObject({
      model: { provider: "openai", name: "gpt-x", apiKey: "o" },
    });
  });

  it("is any server that speaks OpenAI's protocol, with or without a key", () => {
    const url = "http://127.0.0.1:11434/v1";
    expect(chooseModel({ OPENAI_BASE_URL: url, DEMO_MODEL: "m" })).toMatchObject({ model: { url, name: "m" } });
    expect(chooseModel({ OPENAI_BASE_URL: url, DEMO_MODEL: "m", OPENAI_API_KEY: "o" })).toMatchObject({
      model: { url, name: "m", apiKey: "o" },
    });
  });

  it("is refused where half of it is missing, and no key is shown", () => {
    expect(() => chooseModel({ DEMO_MODEL: "m" })).toThrow("nothing says whose model");
    expect(() => chooseModel({ OPENAI_BASE_URL: "http://x/v1" })).toThrow("no model is named");
    const choice = chooseModel({ ANTHROPIC_API_KEY: "very-secret" });
    expect(choice.kind === "real" && `${choice.title} ${choice.advice}`).not.toContain("very-secret");
  });
});
