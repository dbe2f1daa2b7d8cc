import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { problemOf } from "../../src/api/problem.ts";
import { InputReader } from "../../src/api/v1/input.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { unused } from "../commands/untroubled.ts";
import { examples } from "./examples.ts";
import { installation, server } from "./installation.ts";
import { type Served, serve } from "./served.ts";

/** What is left of an emoji that was cut in two: JSON can say it, an address cannot. */
const half = "\ud83d";

const schemas = z.object({ properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })) });

const fields = bindCommands({ ...installation(), ...unused, server, clock: { now: () => 0 } }).flatMap((command) => {
  const { properties } = schemas.parse(z.toJSONSchema(command.input, { io: "input", unrepresentable: "any" }));
  return Object.entries(properties).flatMap(([field, { type }]) =>
    examples[command.name] !== undefined && (type === "string" || type === "array")
      ? [{ name: command.name, field, type }]
      : [],
  );
});

let api: Served;
beforeAll(async () => {
  api = await serve();
});
afterAll(() => api.stop());

test.each(fields)("half a character in $field of $name is nobody's fault but the caller's", async (given) => {
  const { name, field, type } = given;
  const command = api.commands.find((one) => one.name === name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const { path, query, body } = (await examples[name]?.(api)) ?? {};
  const asked = { params: path, query: Object.fromEntries(new URLSearchParams(query)), body };
  const input = new InputReader(command.input).read(asked);
  const said = typeof input[field] === "string" ? input[field] : "@anna:example.org";
  const call = {
    principal: { name: "tester", scopes: new Set(scopes) },
    requestId: "request-1",
    signal: new AbortController().signal,
  };
  const spoilt = { ...input, [field]: type === "array" ? [`${said}${half}`] : `${said}${half}` };
  const failed = await command.execute(spoilt, call).then(
    () => false,
    (error: unknown) => problemOf(error, "request-1").isUnexpected,
  );
  expect(failed).toBe(false);
});

test("is said to be that, by the status of the answer", async () => {
  const token = await api.tokenFor(["rooms:write"]);
  const body = { name: "Talk", agent: `Scout${half}` };
  expect(await api.ask("POST", "/api/v1/rooms", { token, body })).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining("agent: must be well-formed text") },
  });
});
