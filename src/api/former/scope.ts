import type {
  FastifyBaseLogger,
  FastifyInstance,
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
    if (failure.isUnexpected) logger.error({ err: error, requestId: request.id }, "a former route failed");
    if (failure.retryAfterMs !== undefined && !reply.hasHeader("retry-after"))
      reply.header("retry-after", String(Math.max(1, Math.ceil(failure.retryAfterMs / 1000))));
    return reply.code(failure.status).send(bodyOf(failure));
  });
  return server.withTypeProvider<ZodTypeProvider>();
}

/** What a route answers: this, or why not. */
export function answers<TAnswer extends z.ZodType, TRefusal extends z.ZodType>(answer: TAnswer, refusal: TRefusal) {
  return { 200: answer, "4xx": refusal, "5xx": refusal };
}
