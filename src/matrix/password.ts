import { createHmac } from "node:crypto";

/**
 * The password of an agent's user. It is derived, so that an installation which lost its store, but not its instance
 * secret, can still log in. Never use it for a human's or an administrator's account.
 */
export function passwordOf(instanceSecret: string, userId: string): string {
  return createHmac("sha256", instanceSecret).update(`matrix password\0${userId}`).digest("base64url");
}
