import type { ConfigProblem } from "./config-error.ts";
import { isRestAddress } from "./letta-address.ts";
import type { ConfigFile } from "./schema.ts";

/** What keeps agents from being given tools that Letta calls at our address. */
export function unattachable({ letta, api }: ConfigFile): readonly ConfigProblem[] {
  if (!letta.attach_tools) return [];
  const key = "letta.attach_tools";
  if (!isRestAddress(letta.url))
    return [{ key, message: "is for Letta's REST API: agents of an App Server have matrix_tools by themselves" }];
  return [
    ...(api.listen === "none" ? [{ key, message: "needs api.listen: else nothing serves the tools" }] : []),
    ...(api.public_url === "none" ? [{ key, message: "needs api.public_url: Letta calls the tools there" }] : []),
  ];
}
