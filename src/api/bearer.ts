import type { IncomingHttpHeaders } from "node:http";
import type { Authentication, Principal } from "../commands/access/principal.ts";
import { Refused } from "./problem.ts";

/** Who calls, by `Authorization: Bearer`. Throws {@link Refused}. */
export function callerOf(
  headers: Pick<IncomingHttpHeaders, "authorization">,
  authentication: Pick<Authentication, "principalOf">,
): Principal {
  const { authorization } = headers;
  if (authorization === undefined)
    throw new Refused(401, "A token is needed.", "Send the header Authorization: Bearer <token>.");
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  const principal = token === undefined ? undefined : authentication.principalOf(token);
  if (principal === undefined)
    throw new Refused(401, "The token is not good (any more).", "Ask the operator for a new one.");
  return principal;
}
