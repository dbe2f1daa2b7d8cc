import { join } from "node:path";
import { variableOf } from "../../src/config/environment.ts";
import { dropped, formerNames } from "../../src/config/former-names.ts";
import { type Key, keysOf } from "../../src/config/key.ts";
import type { Reload } from "../../src/config/reload.ts";
import { configFile } from "../../src/config/schema.ts";
import { flow, optional } from "./sample.ts";

export const referenceFile = join(import.meta.dirname, "../../docs/configuration.md");

const heading = `\
# Configuration

<!-- Made by \`npm run config-docs\` from src/config/schema.ts: change that instead. -->

One YAML file, named by \`--config\` or \`LETTA_MATRIX_CONFIG\`; [config/letta-matrix.yaml](../config/letta-matrix.yaml) is
a commented sample of it. Unknown keys are refused. Each key has an environment variable, which wins over the file; a
list is separated by commas there. Durations have a unit: \`500ms\`, \`30s\`, \`5m\`, \`1h\`. Paths are relative to the file.

**Secrets** stand in files (keys that end in \`_file\`), in environment variables, or, where nobody else can read it, in
the configuration itself. Of a key and its \`_file\` only one may be set. No secret is ever logged.

**SIGHUP** makes the running process read it all again: the file, and the files that it names. If everything that has
changed can be taken over, it is; if anything cannot, or if the file is wrong, nothing is, the log says why, and the
process goes on as it was. "Reload" says of each key whether it can be. (In a terminal SIGHUP still ends the program: it
means that the terminal is gone. A systemd unit has \`ExecReload=kill -HUP $MAINPID\`.)

\`letta-matrix doctor\` says what is wrong with a configuration, and with what it names.
`;

/** The reference page, as the schema says it. */
export function reference(): string {
  const keys = keysOf(configFile);
  const sections = keys.filter(({ kind }) => kind === "section");
  const top = keys.filter(({ path, kind }) => path.length === 1 && kind !== "section");
  const inSection = ({ path }: Key): Key[] =>
    keys.filter((key) => key.kind !== "section" && key.path.slice(0, -1).join(".") === path.join("."));
  return [
    heading,
    chapter("At the top", undefined, top),
    ...sections.map((section) => chapter(`\`${section.path.join(".")}\``, section.description, inSection(section))),
    former(),
  ].join("\n");
}

function chapter(title: string, description: string | undefined, keys: readonly Key[]): string {
  const introduction = description === undefined ? "" : `${description}\n\n`;
  return `## ${title}\n\n${introduction}${keys.map(entry).join("\n")}`;
}

function entry(key: Key): string {
  const name = key.path.at(-1) ?? "";
  const rows = [
    ["Variable", `\`${variableOf(key.path)}\``],
    [
      "Default",
      "default" in key
        ? `\`${flow({ [name]: key.default }).slice(name.length + 2)}\``
        : optional(key.path)
          ? "none"
          : "none: it is needed",
    ],
    ["Example", `\`${key.example ?? ""}\``],
    ["Reload", reloadText(key.reload)],
  ];
  return `### \`${key.path.join(".")}\`

${key.description ?? ""}

${table(["", ""], rows)}`;
}

function reloadText(reload: Reload | undefined): string {
  if (reload === undefined) return "";
  return reload.kind === "live" ? `yes, ${reload.when}` : `no: ${reload.why}`;
}

function former(): string {
  const known = formerNames.map(({ variable, path, note }) => [`\`${variable}\``, `\`${path.join(".")}\``, note ?? ""]);
  const gone = Object.entries(dropped).map(([variable, why]) => [`\`${variable}\``, why]);
  return `## Variables of the older system

Whoever comes from there can keep these; today's names win over them, and they win over the file.

${table(["Variable", "Sets", ""], known)}
These are let pass, and do nothing:

${table(["Variable", "Here"], gone)}`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(titles) + line(titles.map(() => "---")) + rows.map(line).join("");
}
