import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson } from "../../src/matrix/json.ts";

describe("JSON for a homeserver", () => {
  it("holds no half of a surrogate pair, in values or in keys", () => {
    const value = { "k\udc00": ["cut \ud83d", { deep: "\ud800\ud800" }], whole: "🎭", n: 1, no: null, yes: true };
    expect(JSON.parse(encodeJson(value))).toEqual({
      "k\ufffd": ["cut \ufffd", { deep: "\ufffd\ufffd" }],
      whole: "🎭",
      n: 1,
      no: null,
      yes: true,
    });
  });

  it("leaves a text alone that only looks like one", () => {
    expect(JSON.parse(encodeJson({ body: "\\ud83d" }))).toEqual({ body: "\\ud83d" });
  });

  it("is otherwise the same value, and always Unicode text", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const text = encodeJson(value);
        expect(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(text))).toBe(text);
        expect(text).not.toMatch(/(?<!\\)(\\\\)*\\ud[89a-f]/);
        if (!JSON.stringify(value).includes("\\ud")) expect(text).toBe(JSON.stringify(value));
      }),
    );
  });
});
