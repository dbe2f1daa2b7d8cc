import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type Key, keysOf } from "../../src/config/key.ts";
import { configFile } from "../../src/config/schema.ts";
import { wrapped } from "./wrapped.ts";

export const sampleFile = join(import.meta.dirname, "../../config/letta-matrix.yaml");

const heading = `\
# letta-matrix: copy this file, edit it, and run
#   letta-matrix run --config letta-matrix.yaml
#
# What is commented out shows its default, or an example where there is none. Each key can be set by an environment
# variable instead, which wins: homeserver.url is LETTA_MATRIX_HOMESERVER_URL, letta.tool_allow_list is
# LETTA_MATRIX_LETTA_TOOL_ALLOW_LIST=a,b. A key that ends in _file names a file that holds a secret; the same key
# without _file holds the secret itself. Paths are relative to this file. docs/configuration.md tells all.
`;

/** The commented sample, as the schema says it. */
export function sample(): string {
  const shown = keysOf(configFile).filter(({ path }) => !isInlineSecret(path));
  return heading + shown.map((key) => entry(key)).join("");
}

/** The secret itself; the sample shows the file that holds it. */
function isInlineSecret(path: readonly string[]): boolean {
  const dotted = path.join(".");
  return keysOf(configFile).some((other) => other.path.join(".") === `${dotted}_file`);
}

function entry({ path, kind, description, example, shown, ...rest }: Key): string {
  const indent = "  ".repeat(path.length - 1);
  const name = path.at(-1) ?? "";
  const explanation = wrapped(description ?? "", 118 - indent.length).map((line) => `${indent}# ${line}\n`);
  const above = path.length === 1 ? "\n" : "";
  if (kind === "section") return `${above}${explanation.join("")}${indent}${name}:\n`;
  const given = "default" in rest ? flow({ [name]: rest.default }) : (example ?? "");
  const needed = !("default" in rest) && !optional(path);
  const line = shown || needed ? (example ?? "") : `# ${given}`;
  return `${above}${explanation.join("")}${indent}${line}\n`;
}

/** Whether a configuration may be without this key. */
export function optional(path: readonly string[]): boolean {
  const whole: unknown = path.slice(0, -1).reduceRight<unknown>((inner, name) => ({ [name]: inner }), {});
  const issues = configFile.safeParse(whole).error?.issues ?? [];
  return !issues.some((issue) => issue.path.join(".") === path.join("."));
}

/** On one line, and read back as the same. */
export function flow(value: Readonly<Record<string, unknown>>): string {
  const line = Object.entries(value).map(([name, item]) => `${name}: ${scalar(item)}`)[0] ?? "";
  if (JSON.stringify(parse(line)) !== JSON.stringify(value)) throw new Error(`${line} is read as something else`);
  return line;
}

function scalar(item: unknown): string {
  return stringify(item, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}
