import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { keysOf } from "../../src/config/key.ts";
import { readConfigFile } from "../../src/config/load.ts";
import { configFile } from "../../src/config/schema.ts";
import { isSection, valueAt } from "../../src/config/tree.ts";

const sample = join(import.meta.dirname, "../../config/letta-matrix.yaml");

test("the sample is a valid configuration", async () => {
  expect((await readConfigFile(sample, {})).homeserver.server_name).toBe("example.org");
});

test("the sample shows each key, and the defaults it claims are the real ones", async () => {
  const text = await readFile(sample, "utf8");
  const shown: unknown = parse(text.replace(/^( *)# ([a-z_]+: .*)$/gm, "$1$2"));
  const defaults = await readConfigFile(sample, {});
  for (const { path, kind } of keysOf(configFile)) {
    if (kind === "section" || path.includes("registration") || /(token|password|api_key)$/.test(path.at(-1) ?? ""))
      continue;
    expect(valueAt(shown, path), path.join(".")).toBeDefined();
  }
  if (!isSection(shown)) throw new Error("the sample has no keys");
  // Files of secrets have no default, and are shown for their names only.
  for (const section of Object.values(shown))
    if (isSection(section))
      for (const key of Object.keys(section)) if (/(token|password|api_key)_file$/.test(key)) delete section[key];
  const uncommented = configFile.parse(shown);
  expect(uncommented).toEqual(defaults);
});

test("each key says what it is and gives an example", () => {
  for (const key of keysOf(configFile)) {
    if (key.kind === "section") continue;
    expect(key.description, key.path.join(".")).toMatch(/\.$/);
    expect(key.example, key.path.join(".")).toMatch(new RegExp(`^${key.path.at(-1)}: `));
  }
});

test("each example in the schema is right", () => {
  for (const { path, kind, example } of keysOf(configFile)) {
    if (kind === "section" || example === undefined) continue;
    const value: unknown = parse(example);
    const whole = path.slice(0, -1).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
    const issues = configFile.safeParse(whole).error?.issues ?? [];
    const atKey = issues.filter((issue) => issue.path.join(".").startsWith(path.join(".")));
    expect(atKey, example).toEqual([]);
  }
});
