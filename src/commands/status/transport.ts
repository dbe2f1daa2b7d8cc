import type { TransportStatus, WaitStatus } from "./schema.ts";

/** What everybody waits for while the homeserver cannot push to us. */
export function unreachedWait(transport: TransportStatus | undefined): WaitStatus | undefined {
  const { reach, since = 0, reason, remedy } = transport ?? {};
  if (reach !== "unreached" || reason === undefined) return undefined;
  return { reason, since, ...(remedy !== undefined && { remedy }) };
}
