import { randomUUID } from "node:crypto";
import { type Principal, scopes } from "../commands/access/principal.ts";
import type { BoundCommand } from "../commands/command.ts";
import type { ControlHandler } from "../runtime/control/server.ts";

/** Whoever may open the control socket owns the data folder, and may do everything. */
const owner: Principal = {
  name: "control socket",
  scopes: new Set(scopes),
};

/** Serves the commands over the control socket. */
export function controlHandlers(commands: readonly BoundCommand[]): Readonly<Record<string, ControlHandler>> {
  return Object.fromEntries(
    commands.map((command): [string, ControlHandler] => [
      command.name,
      (input, signal) => command.execute(input, { principal: owner, requestId: randomUUID(), signal }),
    ]),
  );
}
