import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { routes } from "../../src/api/v1/routes.ts";
import { openApiFile, openApiText } from "./openapi.ts";
import { type Served, serve } from "./served.ts";

let api: Served;
beforeAll(async () => {
  api = await serve();
});
afterAll(() => api.stop());

const operation = z.looseObject({
  operationId: z.string(),
  description: z.string(),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.enum(["path", "query"]) })),
  responses: z.record(z.string(), z.unknown()),
});
const document = z.looseObject({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), operation)),
});

test("docs/openapi.json is what the program serves: `npm run openapi` writes it anew", async () => {
  const { body } = await api.ask("GET", "/api/v1/openapi.json", { token: await api.tokenFor(["rooms:read"]) });
  expect(openApiText()).toBe(`${JSON.stringify(body, null, 2)}\n`);
  expect(await readFile(openApiFile, "utf8")).toBe(openApiText());
});

test("it is not shown to whoever has no token", async () => {
  expect((await api.ask("GET", "/api/v1/openapi.json")).status).toBe(401);
});

test("it has each route whose command is there, with what it needs and answers", () => {
  const { paths } = document.parse(JSON.parse(openApiText()));
  const names = new Set(api.commands.map(({ name }) => name));
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { operationId, responses }]) => {
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "403", "429", "503"]));
      return `${method} ${path} ${operationId}`;
    }),
  );
  const expected = routes
    .filter(({ command }) => names.has(command))
    .map(({ method, path, command }) => `${method.toLowerCase()} /api/v1${path} ${command}`);
  expect(described.toSorted()).toEqual(expected.toSorted());
});

test("whatever it refers to is in it", () => {
  const text = openApiText();
  const whole: unknown = JSON.parse(text);
  const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference = ""]) => reference);
  expect(references.length).toBeGreaterThan(0);
  for (const reference of new Set(references)) {
    const found = reference
      .split("/")
      .slice(1)
      .reduce<unknown>((value, key) => Reflect.get(Object(value), key), whole);
    expect([reference.startsWith("#/components/"), found], reference).toEqual([true, expect.any(Object)]);
  }
});

test("what stands in a path is asked for nowhere else", () => {
  const { paths } = document.parse(JSON.parse(openApiText()));
  for (const [path, operations] of Object.entries(paths))
    for (const { parameters } of Object.values(operations))
      for (const { name, in: place } of parameters) expect(path.includes(`{${name}}`)).toBe(place === "path");
});
