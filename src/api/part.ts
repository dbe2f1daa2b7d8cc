import type { FastifyInstance } from "fastify";

/** A part of the HTTP surface: adds its routes to the server. */
export type HttpPart = (server: FastifyInstance) => void | Promise<void>;
