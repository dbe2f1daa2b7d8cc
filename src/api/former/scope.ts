import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { type Failure, failureOf } from "./failures.ts";
import type { FormerOptions } from "./options.ts";

/** A server whose routes are checked by zod schemas. */
export type Scope = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Makes the routes that are added to this server answer whatever goes wrong in an older body. */
export function formerScope(
  server: FastifyInstance,
  logger: FormerOptions["logger"],
  bodyOf: (failure: Failure) => object,
): Scope {
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler((error, request, reply) => {
    const failure = failureOf(error, request.id);
    if (failure.isUnexpected)
      logger.error({ error: withoutSecrets(error, request), requestId: request.id }, "a former route failed");
    if (failure.retryAfterMs !== undefined && !reply.hasHeader("retry-after"))
      reply.header("retry-after", String(Math.max(1, Math.ceil(failure.retryAfterMs / 1000))));
    return reply.code(failure.status).send(bodyOf(failure));
  });
  return server.withTypeProvider<ZodTypeProvider>();
}

/** Aborted when the caller goes away; Fastify's own signal is, as soon as its request has been read. */
export function goneOf(reply: Pick<FastifyReply, "raw">): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort(new Error("the caller is gone")));
  return gone.signal;
}

const secretFields = ["access_token", "password"];
const secretHeaders = ["authorization", "x-access-token", "x-internal-key", "x-letta-signature"];

/** What nobody expected may quote anything, also what the caller alone may know. */
function withoutSecrets(error: unknown, { body, headers }: FastifyRequest): string {
  const shown = [
    ...secretFields.map((name): unknown => Reflect.get(Object(body), name)),
    ...secretHeaders.map((name) => headers[name]),
    headers.authorization?.replace(/^\S+ +/, ""),
  ].filter((secret) => typeof secret === "string" && secret !== "");
  const { stack, message } = error instanceof Error ? error : new Error(String(error));
  return shown.reduce<string>((rest, secret) => rest.replaceAll(String(secret), "[secret]"), stack ?? message);
}

/** What a route answers: this, or why not. */
export function answers<TAnswer extends z.ZodType, TRefusal extends z.ZodType>(answer: TAnswer, refusal: TRefusal) {
  return { 200: answer, "4xx": refusal, "5xx": refusal };
}
