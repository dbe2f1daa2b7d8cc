import { agentUserId } from "../machines/addresses.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Care } from "./care.ts";
import type { Directory } from "./directory.ts";
import type { Sessions } from "./sessions.ts";

/** Between two looks at who waits for it, ms. How often the homeserver is asked for each is decided in Care. */
const interval = 300_000;

export interface ExemptionOptions {
  readonly care: Care;
  readonly directory: Pick<Directory, "residents">;
  readonly sessions: Sessions;
  readonly server: string;
  readonly clock: Clock;
}

/**
 * Exempts from the rate limits, one after the other, those agents' users that their login did not: they were there
 * before an administrator's token was configured, or it could not be done then. All are looked at once: who comes later
 * logs in, and Care knows who waits. Ends only when it is aborted.
 */
export async function exemptResidents(options: ExemptionOptions, signal: AbortSignal): Promise<never> {
  const { care, directory, sessions, server, clock } = options;
  for await (const { agentId } of directory.residents()) await exempt(agentUserId(server, agentId));
  for (;;) {
    await sleep(clock, interval, signal);
    for (const userId of care.waiting()) await exempt(userId);
  }

  async function exempt(userId: string): Promise<void> {
    if (sessions.isLoggedIn(userId)) await care.exempt(userId, signal);
  }
}
