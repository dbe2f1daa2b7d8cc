import { z } from "zod";
import type { Principal } from "../../commands/access/principal.ts";
import type { AutoLogin } from "./auto-login.ts";
import type { Callers } from "./callers.ts";
import { Refused, refusedBody } from "./failures.ts";
import { assertServed } from "./homeserver-named.ts";
import type { FormerOptions } from "./options.ts";
import { answers, goneOf, type Scope } from "./scope.ts";

const login = z.object({
  homeserver: z.string().max(1_024).nullish().describe("The one that the agents are on, or nothing."),
  user_id: z.string().min(1).max(255),
  password: z.string().min(1).max(1_024),
  device_name: z.string().max(255).nullish(),
});

const loggedIn = z.object({
  success: z.literal(true),
  access_token: z.string(),
  device_id: z.string().optional(),
  user_id: z.string().optional(),
  message: z.string(),
});

/** Lets people get a token: their own one of the homeserver, or one of letta-matrix. Never that of an agent. */
export function loginRoutes(scope: Scope, options: FormerOptions, callers: Callers, autoLogin: AutoLogin): void {
  scope.post(
    "/login",
    {
      schema: {
        summary: "Logs the caller in at the homeserver with its own password.",
        tags: ["former"],
        body: login,
        response: answers(loggedIn, refusedBody),
      },
    },
    async (request, reply) => {
      const { homeserver, user_id: user, password, device_name } = request.body;
      assertServed(homeserver, options.homeserver);
      const wish = { user, password, deviceName: device_name ?? "matrix_api", address: request.ip };
      const { accessToken, deviceId, userId } = await options.guests.logIn(wish, goneOf(reply));
      reply.header("cache-control", "no-store");
      const session = { access_token: accessToken, device_id: deviceId, user_id: userId };
      return { success: true as const, ...session, message: "Logged in" };
    },
  );

  scope.get(
    "/login/auto",
    {
      preValidation: async (request) => {
        if (!callers.principalOf(request).isTrusted)
          throw new Refused(403, "Only the internal key gets a token here: make one with `letta-matrix token create`.");
      },
      schema: {
        summary: "Gives a letta-matrix token that the former routes take as access_token.",
        tags: ["former"],
        response: answers(loggedIn, refusedBody),
      },
    },
    async (request, reply) => {
      const principal: Principal = callers.principalOf(request).principal;
      const token = await autoLogin.token({ principal, requestId: request.id, signal: goneOf(reply) });
      reply.header("cache-control", "no-store");
      const session = { access_token: token, user_id: options.botUserId };
      return { success: true as const, ...session, message: "A letta-matrix token, for a day at most" };
    },
  );
}
