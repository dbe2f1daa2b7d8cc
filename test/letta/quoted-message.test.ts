import { expect, test } from "vitest";
import { quotedMessage } from "../../src/letta/quoted-message.ts";

const said = 'Unknown model "muse" for provider "lab".\nChoose another.';

test.each([0, 1, 2, 3])("a message is found as it was, quotation marks and all, %i strings of JSON deep", (depth) => {
  let text = JSON.stringify({ type: "error", error: { message: said, code: 404 } });
  for (let n = 0; n < depth; n++) text = JSON.stringify({ detail: `it failed: ${text}` });
  expect(quotedMessage(text)).toBe(said);
});

test("the innermost of several is the one that tells", () => {
  const inner = JSON.stringify({ error: { message: said } });
  expect(quotedMessage(JSON.stringify({ message: "the model failed", detail: inner }))).toBe(said);
});

test.each(["", "no JSON at all", '{"message":""}', '{"message":7}'])("there is none in %j", (text) => {
  expect(quotedMessage(text)).toBeUndefined();
});
