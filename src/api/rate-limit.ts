import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import type { Authentication } from "../commands/access/principal.ts";
import { callerOf } from "./bearer.ts";
import type { HttpPart } from "./part.ts";
import { Refused } from "./problem.ts";

export interface RateLimit {
  readonly authentication: Pick<Authentication, "principalOf">;
  /** Requests a minute that each token may make. */
  readonly ratePerMinute: number;
}

/** Refuses whoever asks too often, by token, what is added to this server from here on. */
export async function limitRate(server: FastifyInstance, { authentication, ratePerMinute }: RateLimit): Promise<void> {
  await server.register(rateLimit, {
    max: ratePerMinute,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: ({ headers }) => callerOf(headers, authentication).tokenId ?? "",
    errorResponseBuilder: (_, { ttl }) =>
      Object.assign(new Refused(429, "Too many requests.", "Wait as long as Retry-After says."), { retryAfterMs: ttl }),
  });
}

/** The same part, with a limit of its own. */
export function rateLimited(part: HttpPart, limit: RateLimit): HttpPart {
  return async (server) => {
    await limitRate(server, limit);
    await part(server);
  };
}
