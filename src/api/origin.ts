import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { Refused } from "./problem.ts";

/** Where requests may come from, besides programs on any machine that reaches us. */
export interface Admission {
  /** Names that we are reached by, besides addresses and `localhost`. */
  readonly allowedHosts: readonly string[];
  /** Web pages that may call, by their origins. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Keeps web pages out that nobody has let in: a browser says where the page is from, and under which name it found us. A
 * name that somebody else owns may point here.
 */
export function admit({ headers }: Pick<FastifyRequest, "headers">, { allowedHosts, allowedOrigins }: Admission): void {
  if (headers.host === undefined || headers.host === "")
    throw new Refused(400, "The request does not say whom it calls.", "Send the header Host.");
  const host = hostname(headers.host);
  if (host !== "localhost" && isIP(host) === 0 && !allowedHosts.includes(host))
    throw new Refused(403, "This name is none of ours.", "Add the name that you call us by to api.allowed_hosts.");
  const { origin } = headers;
  if (origin !== undefined && !allowedOrigins.includes(origin))
    throw new Refused(403, "Web pages from there may not call.", "Add the page's origin to api.allowed_origins.");
}

function hostname(host: string): string {
  return host
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
}
