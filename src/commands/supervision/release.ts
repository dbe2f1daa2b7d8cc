import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import { type ActorId, isActorId, partsOf } from "../../runtime/actor-id.ts";
import type { Command, CommandContext } from "../command.ts";
import { reference } from "../reference.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { isOfAgent, meantAgent, namedAgent, namesOf } from "./meant-agent.ts";
import { released } from "./schema.ts";

type Needs = "host" | "server";

const input = z.strictObject({
  /** An agent's name, its id in Letta or its user id, with which its conversations are meant, too; or an actor's id. */
  actor: reference
    .min(1)
    .describe("An agent with its conversations (by name, id or user id), or an actor by its own id."),
});

/** Lets actors out of quarantine. */
export const releaseCommand: Command<typeof input, typeof released, Needs> = {
  name: "release",
  summary:
    "Lets an actor, or an agent with its conversations, out of quarantine: it tries again what it could not bear.",
  guidance:
    "For whatever is in quarantine, once its cause is mended. For an agent take `agents.release`. Who restarts by itself needs none.",
  scope: "admin:control",
  changes: true,
  input,
  output: released,
  async run({ actor: wanted }, context, { signal }) {
    const isActor = isActorId(wanted) && partsOf(wanted).realm === context.server;
    const { actors } = isActor
      ? { actors: context.host.quarantined().filter((actor) => actor === wanted) }
      : await quarantinedOf(wanted, context);
    signal.throwIfAborted();
    return { actors: await release(wanted, actors, context) };
  },
};

const agentInput = z.strictObject({ agent: meantAgent });
const agentReleased = released.extend(namedAgent);

/** Lets an agent and its conversations out of quarantine. */
export const agentsRelease: Command<typeof agentInput, typeof agentReleased, Needs> = {
  name: "agents.release",
  summary: "Lets an agent and its conversations out of quarantine: they try again what they could not bear.",
  guidance:
    "For an agent that is in quarantine, once the cause is mended. One that is stuck otherwise needs `agents.restart`.",
  scope: "admin:control",
  changes: true,
  input: agentInput,
  output: agentReleased,
  async run({ agent: wanted }, context, { signal }) {
    const { actors, ...agent } = await quarantinedOf(wanted, context);
    signal.throwIfAborted();
    return { ...agent, actors: await release(wanted, actors, context) };
  },
};

/** An agent, and what of it is in quarantine. An actor may be there that never came as far as to have a record. */
async function quarantinedOf(wanted: string, { host, server }: Pick<CommandContext, Needs>) {
  const of = (agentId: string) => host.quarantined().filter((actor) => isOfAgent(actor, agentId));
  const own = of(wanted);
  if (own.length > 0 && host.read(addressOf.agent(server, wanted)) === undefined)
    return { agentId: wanted, actors: own };
  const agent = namesOf(await recordOfAgent(wanted, host, server));
  return { ...agent, actors: of(agent.agentId) };
}

/** Gives those that were in quarantine until now. Throws {@link NotInQuarantine}. */
async function release(
  wanted: string,
  actors: readonly ActorId[],
  { host }: Pick<CommandContext, "host">,
): Promise<ActorId[]> {
  const released: ActorId[] = [];
  for (const actor of actors) if (await host.release(actor)) released.push(actor);
  if (released.length === 0) throw new NotInQuarantine(wanted);
  return released;
}

/** Nothing that was meant is in quarantine; nothing was done. */
export class NotInQuarantine extends Error {
  override readonly name = "NotInQuarantine";
  readonly remedy = "`letta-matrix status` shows who is; whoever restarts comes back by itself.";

  constructor(wanted: string) {
    super(`nothing of "${wanted}" is in quarantine`);
  }
}
