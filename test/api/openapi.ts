import { join } from "node:path";
import { openApi } from "../../src/api/v1/openapi.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { unused } from "../commands/untroubled.ts";
import { installation, server } from "./installation.ts";

export const openApiFile = join(import.meta.dirname, "../../docs/openapi.json");

/** The description of the REST API, as each running program serves it. */
export function openApiText(): string {
  const commands = bindCommands({ ...installation(), ...unused, server, clock: { now: () => 0 } });
  return `${JSON.stringify(openApi(commands), null, 2)}\n`;
}
