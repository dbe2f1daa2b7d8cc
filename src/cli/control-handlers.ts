import { randomUUID } from "node:crypto";
import { z } from "zod";
import { agentScopes, type Principal, scopes } from "../commands/access/principal.ts";
import type { BoundCommand } from "../commands/command.ts";
import { type ChangeFeed, followed } from "../commands/watch/changes.ts";
import type { ControlHandler } from "../runtime/control/server.ts";

const name = "control socket";

/** Whoever may open the control socket owns the data folder, and may do everything. */
export const owner: Principal = { name, scopes: new Set(scopes) };

/** The same, where it is let do no more than one agent may. */
export function ownerAs(agentId: string): Principal {
  return { name, agentId, scopes: agentScopes };
}

/** By this name any command is asked, of an owner that acts as an agent. */
export const asAgentName = "as-agent";

const asAgent = z.strictObject({ agentId: z.string().min(1), command: z.string(), input: z.unknown() });

/** How a command is asked by that name. */
export type AsAgent = z.output<typeof asAgent>;

/** What changes is asked by this name. It is no command: nobody but another process of ours wants it so. */
export const changesName = "changes";

/** Serves the commands over the control socket, and what changes. */
export function controlHandlers(
  commands: readonly BoundCommand[],
  changes?: ChangeFeed,
): Readonly<Record<string, ControlHandler>> {
  const execute = (command: BoundCommand, principal: Principal, input: unknown, signal: AbortSignal) =>
    command.execute(input, { principal, requestId: randomUUID(), signal });
  const byName = new Map(commands.map((command) => [command.name, command]));
  const served = Object.fromEntries(
    commands.map((command): [string, ControlHandler] => [
      command.name,
      (input, signal) => execute(command, owner, input, signal),
    ]),
  );
  const servedAs: ControlHandler = async (asked, signal) => {
    const { agentId, command: wanted, input } = asAgent.parse(asked);
    const command = byName.get(wanted);
    if (command === undefined) throw new NoSuchCommand(wanted);
    return execute(command, ownerAs(agentId), input, signal);
  };
  const all = { ...served, [asAgentName]: servedAs };
  if (changes === undefined) return all;
  return { ...all, [changesName]: (input, signal) => changes.next(followed.parse(input), signal) };
}

/** Nothing was done. */
class NoSuchCommand extends Error {
  override readonly name = "NoSuchCommand";
  readonly remedy = "Check that the running process is of the same version.";

  constructor(command: string) {
    super(`there is no command "${command.slice(0, 100)}"`);
  }
}
