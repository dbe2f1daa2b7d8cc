import { readFile } from "node:fs/promises";
import { LineCounter, parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";
import { isSection, type Section, withoutNulls } from "./tree.ts";

/** What a YAML file holds, without the keys that have no value. Throws {@link ConfigError}. */
export async function readYaml(path: string): Promise<Section> {
  const lineCounter = new LineCounter();
  // Pretty errors would quote the line, and with it perhaps a secret.
  const document = parseDocument(await readText(path), { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    const reason = error.code.toLowerCase().replaceAll("_", " ");
    throw new ConfigError(path, [{ key: "", message: `is not YAML: ${reason} at line ${line}, column ${col}` }]);
  }
  const content = withoutNulls(document.toJS());
  if (content === undefined) return {};
  if (!isSection(content)) throw new ConfigError(path, [{ key: "", message: "must consist of keys and values" }]);
  return content;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = String(Reflect.get(Object(error), "code"));
    const message = code === "ENOENT" ? "there is no such file" : `the file cannot be read (${code})`;
    throw new ConfigError(
      path,
      [{ key: "", message }],
      "Copy config/letta-matrix.yaml from the package, edit it, and name it with --config.",
    );
  }
}
