import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { keysOf } from "../../src/config/key.ts";
import { readConfigFile } from "../../src/config/load.ts";
import { configFile } from "../../src/config/schema.ts";
import { valueAt } from "../../src/config/tree.ts";
import { reference, referenceFile } from "./reference.ts";
import { sample, sampleFile } from "./sample.ts";

const keys = keysOf(configFile).filter(({ kind }) => kind !== "section");

test("the sample and the reference page are what the schema says: `npm run config-docs` writes them anew", async () => {
  expect(await readFile(sampleFile, "utf8")).toBe(sample());
  expect(await readFile(referenceFile, "utf8")).toBe(reference());
});

test("the sample is a valid configuration", async () => {
  expect((await readConfigFile(sampleFile, {})).homeserver.server_name).toBe("example.org");
});

test("the sample shows each key, and the defaults it claims are the real ones", async () => {
  const text = await readFile(sampleFile, "utf8");
  const shown: unknown = parse(text.replace(/^( *)# ([a-z_]+: .*)$/gm, "$1$2"));
  // What has no default claims none: it shows an example.
  const examples = new Set(keys.filter((key) => !("default" in key)).map(({ path }) => path.at(-1)));
  const uncommented: unknown = parse(
    text.replace(/^( *)# (([a-z_]+): .*)$/gm, (line, indent, entry, name) =>
      examples.has(name) ? line : `${indent}${entry}`,
    ),
  );
  for (const { path } of keys) {
    const isSecret = keys.some((other) => other.path.join(".") === `${path.join(".")}_file`);
    if (!isSecret) expect(valueAt(shown, path), path.join(".")).toBeDefined();
  }
  expect(configFile.parse(uncommented)).toEqual(await readConfigFile(sampleFile, {}));
});

test("the reference page tells of each key its variable, and whether SIGHUP changes it", async () => {
  const page = await readFile(referenceFile, "utf8");
  for (const { path, reload } of keys) {
    const chapter = page.split("\n### ").find((part) => part.startsWith(`\`${path.join(".")}\`\n`)) ?? "";
    expect(chapter, path.join(".")).toContain(`LETTA_MATRIX_${path.join("_").toUpperCase()}\``);
    expect(chapter, path.join(".")).toContain(reload?.kind === "live" ? "| Reload | yes, " : "| Reload | no: ");
  }
});

test("each key says what it is, gives an example, and decides what SIGHUP makes of a change", () => {
  for (const key of keys) {
    expect(key.description, key.path.join(".")).toMatch(/\.$/);
    expect(key.example, key.path.join(".")).toMatch(new RegExp(`^${key.path.at(-1)}: `));
    expect(key.reload, key.path.join(".")).toBeDefined();
  }
});

test("each example in the schema is right", () => {
  for (const { path, example } of keys) {
    if (example === undefined) continue;
    const value: unknown = parse(example);
    const whole = path.slice(0, -1).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
    const issues = configFile.safeParse(whole).error?.issues ?? [];
    const atKey = issues.filter((issue) => issue.path.join(".").startsWith(path.join(".")));
    expect(atKey, example).toEqual([]);
  }
});
