import { Refused } from "./failures.ts";
import type { FormerOptions } from "./options.ts";

/** Refuses a homeserver that is not the one served here. Older clients name it in each request. */
export function assertServed(named: string | null | undefined, { serverName, url }: FormerOptions["homeserver"]): void {
  if (named === undefined || named === null || named.trim() === "") return;
  const served = [url, serverName, `https://${serverName}`, `http://${serverName}`].map(bare);
  if (!served.includes(bare(named)))
    throw new Refused(
      400,
      `Only the homeserver of ${serverName} is served here: leave "homeserver" out, or name that.`,
    );
}

function bare(address: string): string {
  return address.trim().toLowerCase().replace(/\/+$/, "");
}
