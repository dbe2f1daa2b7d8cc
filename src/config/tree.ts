/** Plain values by key, as a YAML file holds them. */
export type Section = Record<string, unknown>;
export type Path = readonly string[];

export function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSamePath(left: Path, right: Path): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index]);
}

/** The section at `path`, made where it is missing; `undefined` when something else stands there. */
export function sectionAt(root: Section, path: Path): Section | undefined {
  let section = root;
  for (const name of path) {
    section[name] ??= {};
    const next = section[name];
    if (!isSection(next)) return undefined;
    section = next;
  }
  return section;
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce(
    (value, name) => (isSection(value) || Array.isArray(value) ? Reflect.get(value, name) : undefined),
    root,
  );
}

/** A key without a value counts as left out, and so does a section whose keys are all commented out. */
export function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (!isSection(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)]));
}
