import { createHmac } from "node:crypto";

/**
 * The id of the one device that we use of a user, the same at every login: homeservers remember transaction ids per
 * device. Another installation (another secret) gets another device and does not end this one's session.
 */
export function deviceIdOf(instanceSecret: string, userId: string): string {
  const digest = createHmac("sha256", instanceSecret).update(`matrix device\0${userId}`).digest("hex");
  return `LM${digest.slice(0, 20).toUpperCase()}`;
}
