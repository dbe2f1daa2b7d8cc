import type { z } from "zod";
import type { TokenInfo } from "../commands/access/tokens.ts";
import type { tokensCreate, tokensList } from "../commands/tokens/tokens.ts";
import { plain } from "./console.ts";
import { duration } from "./duration.ts";
import { plainRow } from "./status-tables.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

/** The token stands alone in the last line, for a program that takes it from there. */
export function createdText({ token, id, name }: z.output<typeof tokensCreate.output>): string {
  return `Made the token ${plain(id)} for ${plain(name)}. It is shown this once:\n${token}\n`;
}

export function tokensText({ tokens }: z.output<typeof tokensList.output>, now: number, terminal: Terminal): string {
  if (tokens.length === 0) return "No tokens: nobody is let in.\n";
  const rows = tokens.map(({ id, name, scopes, agentId, createdAt, expiresAt }) => [
    id,
    name,
    agentId ?? "any",
    `${duration(now - createdAt)} ago`,
    endOf(expiresAt, now),
    scopes.join(" "),
  ]);
  const heading = ["TOKEN", "FOR", "AGENT", "MADE", "ENDS", "SCOPES"];
  return table([heading, ...rows].map(plainRow), layoutFor(terminal));
}

export function revokedText({ id, name }: TokenInfo): string {
  return `revoked ${plain(id)}, of ${plain(name)}\n`;
}

function endOf(expiresAt: number | undefined, now: number): string {
  if (expiresAt === undefined) return "never";
  return expiresAt <= now ? "is over" : `in ${duration(expiresAt - now)}`;
}
