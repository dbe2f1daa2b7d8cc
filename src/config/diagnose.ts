import type { z } from "zod";
import type { ConfigProblem } from "./config-error.ts";
import type { Override } from "./environment.ts";
import type { Key } from "./key.ts";
import { nearest } from "./nearest.ts";
import { isSamePath, type Path, type Section, valueAt } from "./tree.ts";

/** Says what a schema's issue means to the person who wrote the file. */
export function diagnose(
  issue: z.core.$ZodIssue,
  written: Section,
  overrides: readonly Override[],
  keys: readonly Key[],
): readonly ConfigProblem[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") return issue.keys.map((name) => unknownKey([...path, name], keys));
  const key = keyAt(path, keys);
  const variable = overrides.find((override) => isSamePath(override.path, key?.path ?? path))?.variable;
  const dotted = path.join(".");
  return [
    {
      key: variable === undefined ? dotted : `${variable} (${dotted})`,
      message: messageFor(issue, valueAt(written, path), key),
      ...(key?.example !== undefined && { example: key.example }),
    },
  ];
}

function messageFor(issue: z.core.$ZodIssue, value: unknown, key: Key | undefined): string {
  if (value === undefined) return "is missing";
  return key?.kind === "section" ? "must be a section with keys of its own" : issue.message;
}

function unknownKey(path: Path, keys: readonly Key[]): ConfigProblem {
  const section = path.slice(0, -1);
  const known = keys.filter((key) => isSamePath(key.path.slice(0, -1), section)).map((key) => key.path.at(-1) ?? "");
  const meant = nearest(path.at(-1) ?? "", known);
  const hint = meant === undefined ? `known here: ${known.join(", ")}` : `did you mean ${meant}?`;
  const example = keys.find((key) => isSamePath(key.path, [...section, meant ?? ""]))?.example;
  return { key: path.join("."), message: `is not a known key; ${hint}`, ...(example !== undefined && { example }) };
}

/** The key at this path, or the list whose item it is. */
function keyAt(path: Path, keys: readonly Key[]): Key | undefined {
  const at = (wanted: Path): Key | undefined => keys.find((key) => isSamePath(key.path, wanted));
  return at(path) ?? at(path.slice(0, -1));
}
