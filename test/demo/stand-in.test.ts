import { describe, expect, it } from "vitest";
import { demoStandIn } from "../../demo/stand-in.ts";
import { envelope } from "../../src/actors/conversation/envelope.ts";
import { readRequest } from "../servers/model-request.ts";

function answerTo(text: string, system = "") {
  const question = { eventId: "$q", sender: "@you:localhost", sentAt: 0, text, mentioned: true };
  const messages = [
    { role: "system", content: system },
    { role: "user", content: envelope(question, "!room") },
  ];
  return demoStandIn({ ...readRequest({ model: "m", messages }), earlier: 0 });
}

describe("the demo's stand-in model", () => {
  it("says what it is, repeats only what the person wrote, and tells what the memory holds", () => {
    const { text, tokensPerSecond } = answerTo("What\nnow?", "persona: SECRET-WORD: juniper");
    expect(text).toContain("(stand-in, no real model)");
    expect(text).toContain("You asked: What now?");
    expect(text).toContain("the secret word in it is juniper.");
    expect(text).toContain("ANTHROPIC_API_KEY");
    expect(tokensPerSecond).toBeGreaterThan(0);
  });

  it("follows directives like the tests' stand-in", () => {
    expect(answerTo("[[say=just this]]").text).toBe("just this");
  });
});
