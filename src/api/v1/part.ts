import type { FastifyRequest } from "fastify";
import type { Authentication } from "../../commands/access/principal.ts";
import type { BoundCommand, News } from "../../commands/command.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { callerOf } from "../bearer.ts";
import type { HttpPart } from "../part.ts";
import { Refused } from "../problem.ts";
import { limitRate, type RateLimit } from "../rate-limit.ts";
import { InputReader } from "./input.ts";
import { openApi } from "./openapi.ts";
import { asksByQuery, type Route, routes } from "./routes.ts";
import { EventStream, wantsStream } from "./stream.ts";
import { whileGood } from "./while-good.ts";

export interface RestOptions extends RateLimit {
  readonly commands: readonly BoundCommand[];
  readonly authentication: Pick<Authentication, "principalOf" | "onRevoked">;
  readonly clock: Pick<Clock, "schedule">;
  readonly logger: Pick<Logger, "error">;
}

/** The REST API, below /api/v1. */
export function restPart(options: RestOptions): HttpPart {
  const { commands } = options;
  const byName = new Map(commands.map((command) => [command.name, command]));
  // To make it takes longer than most requests, and few ask for it.
  let document: ReturnType<typeof openApi> | undefined;
  return async (server) => {
    await server.register(
      async (api) => {
        await limitRate(api, options);
        api.get("/openapi.json", () => {
          document ??= openApi(commands);
          return document;
        });
        for (const route of routes) {
          const command = byName.get(route.command);
          if (command !== undefined) serve(api, route, command, options);
        }
      },
      { prefix: "/api/v1" },
    );
  };
}

function serve(
  api: Parameters<HttpPart>[0],
  route: Route,
  command: BoundCommand,
  { authentication, clock, logger }: RestOptions,
): void {
  const reader = new InputReader(command.input, route.defaults);
  const streamReader = new InputReader(command.input, route.streamed);
  api.route({
    method: route.method,
    ...(route.bodyLimit !== undefined && { bodyLimit: route.bodyLimit }),
    url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    async handler(request, reply) {
      const principal = callerOf(request.headers, authentication);
      const { params, query, body } = request;
      assertAskedRightly(route, request);
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort(new Error("the caller is gone")));
      const call = { principal, requestId: request.id, signal: gone.signal };
      if (route.streamed === undefined) {
        const result = await command.execute(reader.read({ params, query, body }), call);
        return reply.code(route.status ?? 200).send(result);
      }
      const waited = (input: unknown, news?: (news: News) => void) =>
        whileGood(authentication, principal, gone, () =>
          command.execute(input, { ...call, ...(news !== undefined && { news }) }),
        );
      if (wantsStream(request)) {
        const stream = new EventStream(reply, request.id, clock);
        const tell = (news: News): void => {
          if (!gone.signal.aborted) stream.tell(news);
        };
        return waited(streamReader.read({ params, query, body }), tell)
          .then((result) => stream.end(result))
          .catch((error: unknown) => {
            const { isUnexpected } = stream.fail(error);
            if (isUnexpected && !gone.signal.aborted)
              logger.error({ err: error, requestId: request.id, route: request.routeOptions.url }, "a request failed");
          });
      }
      const result = await waited(reader.read({ params, query, body }));
      return reply.code(route.status ?? 200).send(result);
    },
  });
}

/** What stands where it is not looked for would be ignored, and whoever sent it not know. Throws {@link Refused}. */
function assertAskedRightly(route: Route, { headers, query, body }: FastifyRequest): void {
  if (headers["idempotency-key"] !== undefined)
    throw new Refused(
      400,
      "The header Idempotency-Key is not taken: a request is named by the field `key`.",
      "Put it into the body as `key`, where openapi.json has one.",
    );
  if (asksByQuery(route) && body !== undefined && body !== null)
    throw new Refused(400, "This takes no body.", "Put the fields into the query.");
  if (!asksByQuery(route) && Object.keys(Object(query)).length > 0)
    throw new Refused(400, "This takes no fields in the query.", "Put them into the body.");
}
