import { z } from "zod";
import { CallRefused } from "../access/refused.ts";
import type { Call, CommandContext } from "../command.ts";
import { agentReference, reference } from "../reference.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { knownAgent } from "../status/known-agent.ts";

/** As whom something is done. */
export const asAgent = agentReference
  .exactOptional()
  .describe("Who acts: an agent's name, id or user id. Else the token's own, or the bot.");

/** Whether `agent` tells a command as whom it is done, and not whom it is about. */
export function isDoneAsAgent(input: z.ZodType): boolean {
  return input instanceof z.ZodObject && input.shape["agent"] === asAgent;
}

export const roomId = reference
  .regex(/^![^\s]{1,254}$/, "must be a room id, such as !abc:example.org")
  .describe("The room's id.");

export const eventId = z
  .string()
  .regex(/^\$[\x21-\x7e]{1,254}$/, "must be an event id, such as $abc")
  .describe("The event's id.");

/** Matrix has none that is longer. */
export const fullUserId = reference.regex(/^@[^:\s]+:\S+$/, "must be a full Matrix user id").max(255);

export interface Speaker {
  readonly userId: string;
  /** Set when it is an agent. */
  readonly agent?: { readonly agentId: string; readonly name?: string };
}

/** Whom a caller acts as. Throws {@link NotYours} and NoSuchAgent. */
export async function speakerOf(
  agent: string | undefined,
  { principal }: Pick<Call, "principal">,
  { host, server, botUserId }: Pick<CommandContext, "host" | "server" | "botUserId">,
): Promise<Speaker> {
  const wanted = agent ?? principal.agentId;
  if (wanted === undefined) return { userId: botUserId };
  const { context } = await recordOfAgent(wanted, host, server);
  const { agentId, userId, name } = knownAgent.parse(context);
  if (principal.agentId !== undefined && principal.agentId !== agentId) throw new NotYours(wanted);
  return { userId, agent: { agentId, ...(name !== undefined && { name }) } };
}

/** The token is bound to another agent; nothing was done. */
export class NotYours extends CallRefused {
  override readonly name = "NotYours";
  readonly remedy = "Leave the agent out: the token says which one acts.";

  constructor(agent: string) {
    super(`this token does not act as "${agent}"`);
  }
}
