import { scopes } from "../../src/commands/access/principal.ts";
import type { Served } from "./served.ts";

/** Tokens that are good for nothing, though each would be good for everything; `undefined` for none. */
export async function badTokens({ tokens, tokenFor, clock }: Served) {
  const good = await tokenFor(scopes);
  const expired = await tokenFor(scopes, { expiresAt: clock.now() + 1_000 });
  const revoked = await tokenFor(scopes);
  await tokens.revoke(revoked.split("_")[1] ?? "");
  clock.advance(1_000);
  return [
    ["no token", undefined],
    ["nonsense", "nonsense"],
    ["one with a wrong secret", `${good.slice(0, -1)}${good.endsWith("0") ? "1" : "0"}`],
    ["one that is over", expired],
    ["one that is revoked", revoked],
  ] as const;
}
