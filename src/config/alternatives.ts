import type { ConfigProblem } from "./config-error.ts";
import type { Key } from "./key.ts";
import { isRestAddress } from "./letta-address.ts";
import { isSamePath, type Path, type Section, valueAt } from "./tree.ts";

/** Keys of which at most one may be set; with `required`, exactly one. */
interface Alternatives {
  readonly section: Path;
  readonly names: readonly string[];
  readonly required: boolean;
  /** With this key none of them is required. */
  readonly unless?: Path;
}

const groups: readonly Alternatives[] = [
  {
    section: ["homeserver", "registration"],
    names: ["shared_secret_file", "shared_secret", "registration_token_file", "registration_token"],
    required: true,
    unless: ["homeserver", "appservice", "registration_file"],
  },
  { section: ["homeserver"], names: ["admin_token_file", "admin_token"], required: false },
  { section: ["letta"], names: ["token_file", "token", "api_key_file", "api_key"], required: false },
  { section: ["core_users"], names: ["admin_password_file", "admin_password"], required: false },
  { section: ["core_users"], names: ["letta_password_file", "letta_password"], required: false },
  { section: ["api"], names: ["internal_key_file", "internal_key"], required: false },
  { section: ["api"], names: ["webhook_secret_file", "webhook_secret"], required: false },
];

/** The keys that may not be set beside this one. */
export function rivalsOf(path: Path): readonly Path[] {
  const all = groups.map(({ section, names }) => names.map((name) => [...section, name]));
  const own = all.find((group) => group.some((key) => isSamePath(key, path))) ?? [];
  return own.filter((key) => !isSamePath(key, path));
}

/** Where more than one alternative is set, or none that is needed. */
export function ambiguities(written: Section, keys: readonly Key[]): readonly ConfigProblem[] {
  return groups.flatMap(({ section, names, required, unless }) => {
    const isNeeded = required && (unless === undefined || valueAt(written, unless) === undefined);
    const set = names.filter((name) => valueAt(written, [...section, name]) !== undefined);
    const message =
      set.length > 1
        ? `has ${set.join(" and ")}: keep one of them`
        : set.length === 0 && isNeeded
          ? `needs one of ${names.join(", ")}${unless === undefined ? "" : `, unless ${unless.join(".")} is set`}`
          : undefined;
    if (message === undefined) return [];
    const example = keys.find((key) => isSamePath(key.path, [...section, names[0] ?? ""]))?.example;
    return [{ key: section.join("."), message, ...(example !== undefined && { example }) }];
  });
}

/** A server of one kind knows nothing of the other kind's key, and would be shown a secret that is not meant for it. */
export function wrongKeyForLetta(written: Section, keys: readonly Key[]): readonly ConfigProblem[] {
  const url = valueAt(written, ["letta", "url"]);
  if (typeof url !== "string") return [];
  const isRest = isRestAddress(url);
  const [wrong, right] = isRest ? ["token", "api_key"] : ["api_key", "token"];
  return [wrong, `${wrong}_file`].flatMap((name) => {
    if (valueAt(written, ["letta", name]) === undefined) return [];
    const own = name.replace(wrong, right);
    const example = keys.find((key) => isSamePath(key.path, ["letta", own]))?.example;
    const kind = isRest ? "Letta's REST API (http://, https://)" : "a Letta App Server (ws://, wss://)";
    const message = `is not for ${kind}: that takes ${own}`;
    return [{ key: `letta.${name}`, message, ...(example !== undefined && { example }) }];
  });
}
