import { z } from "zod";
import { type ActorId, isActorId, partsOf } from "../../runtime/actor-id.ts";
import type { Command, CommandContext } from "../command.ts";
import { reference } from "../reference.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { isOfAgent } from "./meant-agent.ts";
import { released } from "./schema.ts";

const input = z.strictObject({
  /** An agent's name, its id in Letta or its user id, with which its conversations are meant, too; or an actor's id. */
  actor: reference
    .min(1)
    .describe("An agent with its conversations (by name, id or user id), or an actor by its own id."),
});

/** Lets actors out of quarantine. */
export const releaseCommand: Command<typeof input, typeof released, "host" | "server"> = {
  name: "release",
  summary:
    "Lets an actor, or an agent with its conversations, out of quarantine: it tries again what it could not bear.",
  guidance: "Lets what is in quarantine try again, once its cause is mended. Who restarts by itself needs none.",
  scope: "admin:control",
  changes: true,
  input,
  output: released,
  async run({ actor: wanted }, context, { signal }) {
    const meant = await actorsOf(wanted, context);
    signal.throwIfAborted();
    const actors: ActorId[] = [];
    for (const actor of meant) if (await context.host.release(actor)) actors.push(actor);
    if (actors.length === 0) throw new NotInQuarantine(wanted);
    return { actors };
  },
};

/** Those in quarantine that are meant. An actor may be there that never came as far as to have a record. */
async function actorsOf(
  wanted: string,
  { host, server }: Pick<CommandContext, "host" | "server">,
): Promise<readonly ActorId[]> {
  const quarantined = host.quarantined();
  if (isActorId(wanted) && partsOf(wanted).realm === server) return quarantined.filter((actor) => actor === wanted);
  const own = quarantined.filter((actor) => isOfAgent(actor, wanted));
  if (own.length > 0) return own;
  const { id } = await recordOfAgent(wanted, host, server);
  return quarantined.filter((actor) => actor === id || isOfAgent(actor, agentIdOf(id)));
}

function agentIdOf(agent: ActorId): string {
  return partsOf(agent).key[0] ?? "";
}

/** Nothing that was meant is in quarantine; nothing was done. */
export class NotInQuarantine extends Error {
  override readonly name = "NotInQuarantine";
  readonly remedy = "`letta-matrix status` shows who is; whoever restarts comes back by itself.";

  constructor(wanted: string) {
    super(`nothing of "${wanted}" is in quarantine`);
  }
}
