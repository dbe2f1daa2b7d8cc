import { expect, test } from "vitest";
import { isLastWord } from "../../src/actors/last-word.ts";
import { matrixError } from "../ports/fake-homeserver.ts";

test.each(["forbidden", "refused", "missing", "unsupported"] as const)("%s is a last word", (kind) => {
  expect(isLastWord(matrixError(kind))).toBe(true);
});

test.each(["unreachable", "limited", "token", "malformed"] as const)("%s may be another answer next time", (kind) => {
  expect(isLastWord(matrixError(kind))).toBe(false);
});

test("what is no homeserver's error is nobody's last word", () => {
  expect(isLastWord(Object.assign(new Error("ours"), { kind: "forbidden" }))).toBe(false);
});
