import type { ConfigProblem } from "./config-error.ts";
import type { ConfigFile } from "./schema.ts";

/** Names that lead to this machine from itself alone. */
const ownName = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

/**
 * What keeps everybody on this machine from being let in without a token: others that come through a proxy. A proxy need not
 * say that it is one, and then whom it hands on cannot be told from whoever calls here.
 */
export function openThroughProxy({ api }: ConfigFile): readonly ConfigProblem[] {
  if (!api.legacy_open) return [];
  const key = "api.legacy_open";
  const message = (other: string) =>
    `serves everybody without a token, and ${other} says that others come here by a proxy: leave one of the two out`;
  return [
    ...(api.public_url === "none" ? [] : [{ key, message: message("api.public_url") }]),
    ...(api.allowed_hosts.every((host) => ownName.test(host)) ? [] : [{ key, message: message("api.allowed_hosts") }]),
  ];
}
