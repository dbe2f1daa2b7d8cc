import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import type { Logger } from "../telemetry/logger.ts";
import { answerHeaders } from "./answer-headers.ts";
import { refuseConnection } from "./no-http.ts";
import { type Admission, admit } from "./origin.ts";
import type { HttpPart } from "./part.ts";
import { problemOf } from "./problem.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly admission: Admission;
  readonly parts: readonly HttpPart[];
  readonly logger: Pick<Logger, "warn" | "error">;
}

/** Bytes; media go by routes of their own. */
const bodyLimit = 256 * 1024;

/** Everything that is served over HTTP: one server, on one port, made of parts. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: FastifyInstance;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = Fastify({
      bodyLimit,
      // Ids of rooms and events stand in paths.
      routerOptions: { maxParamLength: 1_000 },
      requestTimeout: 30_000,
      forceCloseConnections: true,
      genReqId: () => randomUUID(),
      // What is wrong before there is a route: a malformed path, say.
      frameworkErrors: (error, request, reply) => {
        dress(reply, request.id);
        tell(reply, error, request.id);
      },
      clientErrorHandler: refuseConnection,
      // Node would refuse without a word whoever leaves Host out.
      http: { requireHostHeader: false },
      // Coercion would take what was not meant: commands check their input by themselves.
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    });
  }

  /** Rejects with {@link CannotListen}. */
  async start(): Promise<void> {
    const { host, port, admission, parts, logger } = this.#options;
    const server = this.#server;
    server.addHook("onRequest", async (request, reply) => {
      dress(reply, request.id);
      admit(request, admission);
    });
    // Fastify would take plain text, too: web pages may send that without asking.
    server.removeContentTypeParser("text/plain");
    server.setNotFoundHandler((request, reply) =>
      tell(reply, Object.assign(new Error(), { statusCode: 404 }), request.id),
    );
    server.setErrorHandler((error, request, reply) => {
      const { isUnexpected } = tell(reply, error, request.id);
      // What was sent may hold secrets: only where it went is told.
      if (isUnexpected)
        logger.error({ err: error, requestId: request.id, route: request.routeOptions.url }, "a request failed");
    });
    for (const part of parts) await server.register(async (inner) => part(inner));
    try {
      await server.listen({ host, port });
    } catch (cause) {
      throw new CannotListen(`${host}:${port}`, cause);
    }
  }

  /** Where it listens; only between `start` and `stop`. */
  get port(): number {
    const [address] = this.#server.addresses();
    return typeof address === "object" ? address.port : this.#options.port;
  }

  async stop(): Promise<void> {
    await this.#server.close();
  }
}

function dress(reply: FastifyReply, requestId: string): void {
  void reply.headers(answerHeaders(requestId));
}

function tell(reply: FastifyReply, error: unknown, requestId: string) {
  const told = problemOf(error, requestId);
  const { problem, retryAfterMs } = told;
  if (retryAfterMs !== undefined) void reply.header("retry-after", String(Math.ceil(retryAfterMs / 1_000)));
  if (problem.status === 401) void reply.header("www-authenticate", "Bearer");
  void reply.code(problem.status).type("application/problem+json").send(problem);
  return told;
}

/** Nothing is served. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
  readonly remedy = "Stop what listens there, or change api.listen.";

  constructor(address: string, cause: unknown) {
    super(`cannot listen at ${address}: ${cause instanceof Error ? cause.message : "unknown"}`, { cause });
  }
}
