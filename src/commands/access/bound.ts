import type { Principal } from "./principal.ts";
import { CallRefused } from "./refused.ts";

/** Throws {@link OfAnotherAgent} when the caller acts as an agent, and this is another one. */
export function assertOwn({ agentId: own }: Pick<Principal, "agentId">, agentId: string): void {
  if (own !== undefined && own !== agentId) throw new OfAnotherAgent();
}

/** The caller acts as one agent, and what it asks for is another one's; nothing was done. */
export class OfAnotherAgent extends CallRefused {
  override readonly name = "OfAnotherAgent";
  override readonly message = "this is about another agent than the one that the token is for";
  readonly remedy = "Use a token that is for that agent, or for none.";
}
