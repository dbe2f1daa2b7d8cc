import { createHmac } from "node:crypto";

/**
 * The password of a user that we made. It is derived, so that an installation which lost its store, but not its instance
 * secret, can still log in. Never give it to an account that somebody else has made.
 */
export function passwordOf(instanceSecret: string, userId: string): string {
  return createHmac("sha256", instanceSecret).update(`matrix password\0${userId}`).digest("base64url");
}
