import { rivalsOf } from "./alternatives.ts";
import type { ConfigProblem } from "./config-error.ts";
import { type FormerName, formerNames } from "./former-names.ts";
import type { Key } from "./key.ts";
import { isRestAddress } from "./letta-address.ts";
import { nearest } from "./nearest.ts";
import { isSamePath, type Path, type Section, valueAt } from "./tree.ts";

const prefix = "LETTA_MATRIX_";

/** Not a key: it says where the file is. */
const configVariable = "LETTA_MATRIX_CONFIG";

/** What Kubernetes sets in every container when a service is called `letta-matrix`. */
const fromKubernetes = /^LETTA_MATRIX_(SERVICE_(HOST|PORT)|PORT)(_|$)/;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that overrides a key: `homeserver.url` is `LETTA_MATRIX_HOMESERVER_URL`. */
export function variableOf(path: readonly string[]): string {
  return prefix + path.join("_").toUpperCase();
}

export interface Override {
  readonly path: readonly string[];
  readonly variable: string;
  readonly value: unknown;
}

/**
 * The keys that the environment sets over what is `written` in the file, by today's names or by former ones. A list is
 * separated by commas.
 */
export function overridesIn(
  env: Environment,
  keys: readonly Key[],
  written: Section,
): { readonly overrides: readonly Override[]; readonly problems: readonly ConfigProblem[] } {
  const settable = new Map(keys.filter(({ kind }) => kind !== "section").map((key) => [variableOf(key.path), key]));
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !variable.startsWith(prefix)) continue;
    if (variable === configVariable || fromKubernetes.test(variable)) continue;
    const key = settable.get(variable);
    if (key === undefined) problems.push({ key: variable, message: unknownVariable(variable, [...settable.keys()]) });
    else overrides.push({ path: key.path, variable, value: parseValue(text, key.kind) });
  }
  return { overrides: [...formerOverrides(env, keys, overrides, written), ...overrides], problems };
}

/** What former names set, unless something else sets the same or what may not stand beside it. */
function formerOverrides(
  env: Environment,
  keys: readonly Key[],
  overrides: readonly Override[],
  written: Section,
): readonly Override[] {
  const taken: Path[] = overrides.flatMap(({ path }) => [path, ...rivalsOf(path)]);
  const found: Override[] = [];
  const isRest = () => {
    const set = [...overrides, ...found].find(({ path }) => isSamePath(path, lettaUrl));
    return isRestAddress(set?.value ?? valueAt(written, lettaUrl));
  };
  for (const { variable, path: usual, pathForRest, convert = same } of formerNames) {
    const text = env[variable];
    const path = pathForRest !== undefined && isRest() ? pathForRest : usual;
    const key = keys.find((candidate) => isSamePath(candidate.path, path));
    // Nobody who sets a variable to nothing means a value.
    if (text === undefined || text.trim() === "" || key === undefined) continue;
    if (taken.some((other) => isSamePath(other, path))) continue;
    found.push({ path, variable, value: parseValue(convert(text), key.kind) });
    taken.push(path, ...rivalsOf(path));
  }
  return found;
}

const lettaUrl = ["letta", "url"];

const same: NonNullable<FormerName["convert"]> = (text) => text;

function unknownVariable(variable: string, known: readonly string[]): string {
  const meant = nearest(variable, known);
  return meant === undefined ? "sets no key of the configuration" : `sets no key; did you mean ${meant}?`;
}

function parseValue(text: string, kind: Key["kind"]): unknown {
  if (kind === "list")
    return text
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean);
  return kind === "number" && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
