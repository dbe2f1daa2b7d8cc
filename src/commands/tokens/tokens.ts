import { z } from "zod";
import { scopes } from "../access/principal.ts";
import { type TokenInfo, tokenInfo } from "../access/tokens.ts";
import type { Command } from "../command.ts";
import { next, pageOf, paging } from "../paging.ts";
import { agentReference } from "../reference.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { knownAgent } from "../status/known-agent.ts";

const name = z.string().trim().min(1).max(100).describe("What the token is for.");

const creating = z
  .strictObject({
    name,
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length).describe("What its holder may do."),
    agent: agentReference
      .exactOptional()
      .describe("The agent as which alone its holder acts: its name, id or user id."),
    expiresAt: z.int().positive().exactOptional().describe("When it ends, in ms since the epoch. Else never."),
  })
  // Whoever writes to an agent has a say in what it does.
  .refine(({ agent, scopes: given }) => agent === undefined || !given.some((scope) => scope.startsWith("admin:")), {
    path: ["scopes"],
    message: "a token that is for one agent cannot have the admin scopes",
  });

const created = tokenInfo.extend({
  token: z.string().describe("The token itself, shown this once."),
});

/** Makes a token for a program. Its answer alone ever shows the secret. */
export const tokensCreate: Command<typeof creating, typeof created, "tokens" | "host" | "server" | "clock"> = {
  name: "tokens.create",
  summary: "Makes a token, by which a program shows who it is, and shows it once.",
  guidance: "For an operator who lets a program in. Give it the fewest scopes that it needs, and the agent it acts as.",
  scope: "admin:control",
  changes: true,
  input: creating,
  output: created,
  async run({ agent, ...given }, { tokens, host, server, clock }) {
    if (given.expiresAt !== undefined && given.expiresAt <= clock.now()) throw new ExpiredAlready();
    if (agent === undefined) return tokens.create(given);
    const { context } = await recordOfAgent(agent, host, server);
    return tokens.create({ ...given, agentId: knownAgent.parse(context).agentId });
  },
};

const listing = z.strictObject(paging);
const list = z.object({ tokens: z.array(tokenInfo), next });

/** All tokens, without their secrets. */
export const tokensList: Command<typeof listing, typeof list, "tokens"> = {
  name: "tokens.list",
  summary: "All tokens: what they are for, what their holders may do, and when they end.",
  guidance: "For an operator who looks who is let in. The secrets themselves are not known here.",
  scope: "admin:read",
  changes: false,
  input: listing,
  output: list,
  async run(asked, { tokens }) {
    const { shown, following } = pageOf("tokens", tokens.list(), placeOf, asked);
    return { tokens: [...shown], ...following };
  },
};

function placeOf({ createdAt, id }: TokenInfo): string {
  return `${String(createdAt).padStart(16, "0")} ${id}`;
}

const one = z.strictObject({ id: z.string().min(1).max(64).describe("The token's id.") });

/** Ends a token, and what its holder has open. */
export const tokensRevoke: Command<typeof one, typeof tokenInfo, "tokens"> = {
  name: "tokens.revoke",
  summary: "Ends a token at once, and all that its holder has open.",
  guidance: "For an operator who shuts a program out, by the token's id from `tokens.list`.",
  scope: "admin:control",
  changes: true,
  input: one,
  output: tokenInfo,
  async run({ id }, { tokens }) {
    return tokens.revoke(id);
  },
};

/** Nothing was made. */
export class ExpiredAlready extends Error {
  override readonly name = "ExpiredAlready";
  override readonly message = "the token would have ended before it was made";
  readonly remedy = "Give a time to come, in ms since the epoch.";
}
