import type { ConfigProblem } from "./config-error.ts";
import type { Key } from "./key.ts";
import { nearest } from "./nearest.ts";

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

/** The keys that the environment sets. A list is separated by commas. */
export function overridesIn(
  env: Environment,
  keys: readonly Key[],
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
  return { overrides, problems };
}

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
