import { agentUserId } from "../machines/addresses.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Care } from "./care.ts";
import type { Directory } from "./directory.ts";
import type { Sessions } from "./sessions.ts";

/** Before the homeserver is asked again after it was not there, ms. */
const retry = 60_000;

export interface ExemptionOptions {
  readonly care: Care;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly server: string;
  readonly clock: Clock;
}

/**
 * Exempts from the rate limits those agents' users that were there before an administrator's token was configured, one
 * after the other; all others are exempted as they log in. Resolves when it has been through all.
 */
export async function exemptResidents(options: ExemptionOptions, signal: AbortSignal): Promise<void> {
  const { care, directory, sessions, server, clock } = options;
  for (;;) {
    try {
      for await (const { agentId } of directory.residents()) {
        const userId = agentUserId(server, agentId);
        if (sessions.isLoggedIn(userId)) await care.exempt(userId, signal);
      }
      return;
    } catch {
      signal.throwIfAborted();
    }
    await sleep(clock, retry, signal);
  }
}
