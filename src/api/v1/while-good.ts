import type { Authentication, Principal } from "../../commands/access/principal.ts";
import { Refused } from "../problem.ts";

/**
 * Waits for what comes of a call as long as its caller's token is good. Throws {@link Refused} as soon as it is not, and
 * aborts `gone`: nobody is there any more to hear the rest.
 */
export async function whileGood<T>(
  authentication: Pick<Authentication, "onRevoked">,
  { tokenId }: Pick<Principal, "tokenId">,
  gone: AbortController,
  work: () => Promise<T>,
): Promise<T> {
  const cut = Promise.withResolvers<never>();
  const deafen = authentication.onRevoked((token) => {
    if (token !== tokenId) return;
    const refusal = new Refused(
      401,
      "The token was revoked, or is over. What was accepted before stays accepted: it is said, and answered in its room.",
      "Ask the operator for a new one. With it, look into the room before you say it again.",
    );
    gone.abort(refusal);
    cut.reject(refusal);
  });
  try {
    return await Promise.race([work(), cut.promise]);
  } finally {
    deafen();
  }
}
