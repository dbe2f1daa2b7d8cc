import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import type { HttpPart } from "../part.ts";
import { agentRoutes } from "./agents.ts";
import { AutoLogin } from "./auto-login.ts";
import { Callers } from "./callers.ts";
import { CommandSet } from "./correspondence.ts";
import { Refused } from "./failures.ts";
import { loginRoutes } from "./logins.ts";
import { describe } from "./openapi.ts";
import type { FormerOptions } from "./options.ts";
import { roomRoutes } from "./rooms.ts";
import { formerScope } from "./scope.ts";
import { webhookRoutes } from "./webhooks.ts";

/**
 * The routes of the system that this one replaces, with its names, shapes and error bodies, so that its clients go on
 * working. They tell who calls by themselves: older clients show what they have in other places than today's.
 */
export function formerPart(options: FormerOptions): HttpPart {
  const callers = new Callers(options);
  const commands = new CommandSet(options.commands);
  const autoLogin = new AutoLogin(options, commands);
  return async (server) => {
    await server.register(async (all) => {
      await describe(all);
      await limit(all);
      await all.register(async (inner) => {
        const scope = formerScope(inner, options.logger, ({ message }) => ({ success: false, message }));
        roomRoutes(scope, options, callers, commands);
        loginRoutes(scope, options, callers, autoLogin);
        agentRoutes(scope, options, callers, commands);
      });
      await all.register(async (inner) => {
        const scope = formerScope(inner, options.logger, ({ message }) => ({ success: false, error: message }));
        webhookRoutes(scope, options, callers, commands);
      });
    });
  };

  async function limit(all: FastifyInstance): Promise<void> {
    await all.register(rateLimit, {
      max: options.ratePerMinute,
      timeWindow: 60_000,
      cache: 10_000,
      keyGenerator: (request) => callers.counted(request),
      errorResponseBuilder: (_, { ttl }) =>
        new Refused(429, "Too many requests. Wait as long as Retry-After says.", ttl),
    });
  }
}
