import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";

/** Where the document is served. */
export const documentPath = "/openapi/former.json";

/** Describes the routes that are added to this server afterwards, and serves the description: OpenAPI 3.1. */
export async function describe(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "letta-matrix: routes of the older system",
        version: "1",
        description: "For clients that were made for the system that letta-matrix replaces. New ones use /api/v1.",
      },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer" },
          key: { type: "apiKey", in: "header", name: "X-Internal-Key" },
          access: { type: "apiKey", in: "header", name: "X-Access-Token" },
        },
      },
      security: [{ token: [] }, { key: [] }, { access: [] }],
    },
    transform: jsonSchemaTransform,
  });
  server.get(documentPath, { schema: { hide: true } }, () => server.swagger());
}
