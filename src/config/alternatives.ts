import type { ConfigProblem } from "./config-error.ts";
import type { Key } from "./key.ts";
import { isSamePath, type Path, type Section, valueAt } from "./tree.ts";

/** Keys of which at most one may be set; with `required`, exactly one. */
interface Alternatives {
  readonly section: Path;
  readonly names: readonly string[];
  readonly required: boolean;
}

const groups: readonly Alternatives[] = [
  {
    section: ["homeserver", "registration"],
    names: ["shared_secret_file", "shared_secret", "registration_token_file", "registration_token"],
    required: true,
  },
  { section: ["letta"], names: ["token_file", "token"], required: false },
];

/** The keys that may not be set beside this one. */
export function rivalsOf(path: Path): readonly Path[] {
  const group = groups.find(({ section }) => isSamePath(section, path.slice(0, -1)));
  const all = group?.names.map((name) => [...group.section, name]) ?? [];
  return all.some((key) => isSamePath(key, path)) ? all.filter((key) => !isSamePath(key, path)) : [];
}

/** Where more than one alternative is set, or none that is needed. */
export function ambiguities(written: Section, keys: readonly Key[]): readonly ConfigProblem[] {
  return groups.flatMap(({ section, names, required }) => {
    const set = names.filter((name) => valueAt(written, [...section, name]) !== undefined);
    const message =
      set.length > 1
        ? `has ${set.join(" and ")}: keep one of them`
        : set.length === 0 && required
          ? `needs one of ${names.join(", ")}`
          : undefined;
    if (message === undefined) return [];
    const example = keys.find((key) => isSamePath(key.path, [...section, names[0] ?? ""]))?.example;
    return [{ key: section.join("."), message, ...(example !== undefined && { example }) }];
  });
}
