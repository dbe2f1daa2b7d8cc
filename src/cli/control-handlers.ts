import { randomUUID } from "node:crypto";
import { type Principal, scopes } from "../commands/access/principal.ts";
import type { BoundCommand } from "../commands/command.ts";
import { type ChangeFeed, followed } from "../commands/watch/changes.ts";
import type { ControlHandler } from "../runtime/control/server.ts";

/** Whoever may open the control socket owns the data folder, and may do everything. */
const owner: Principal = {
  name: "control socket",
  scopes: new Set(scopes),
};

/** What changes is asked by this name. It is no command: nobody but another process of ours wants it so. */
export const changesName = "changes";

/** Serves the commands over the control socket, and what changes. */
export function controlHandlers(
  commands: readonly BoundCommand[],
  changes?: ChangeFeed,
): Readonly<Record<string, ControlHandler>> {
  const served = Object.fromEntries(
    commands.map((command): [string, ControlHandler] => [
      command.name,
      (input, signal) => command.execute(input, { principal: owner, requestId: randomUUID(), signal }),
    ]),
  );
  if (changes === undefined) return served;
  return { ...served, [changesName]: (input, signal) => changes.next(followed.parse(input), signal) };
}
