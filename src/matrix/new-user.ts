import type { Account, MatrixClient } from "./port.ts";

/**
 * Shows the name of a user that has just been registered. The user exists by now: a failure here must not lose its
 * session, so whoever depends on the name looks at the profile, as after a crash at this point.
 */
export async function nameNewUser(client: MatrixClient, { displayName }: Account, signal: AbortSignal): Promise<void> {
  if (displayName === undefined) return;
  try {
    const shown = await client.profile(client.userId, signal);
    if (shown.displayName !== displayName) await client.setDisplayName(displayName, signal);
  } catch {
    signal.throwIfAborted();
  }
}
