import { z } from "zod";
import type { BoundCommand } from "../../commands/command.ts";
import { problem } from "../problem.ts";
import { asksByQuery, fieldsIn, type Route, routes } from "./routes.ts";

type JsonObject = Readonly<Record<string, unknown>>;

const jsonObject = z.record(z.string(), z.unknown());

const objectSchema = z.looseObject({
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
});

const problemResponse = {
  description: "It was not done, or is not known to be done: why, and what to do about it.",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/** Which problems every route may answer with. */
const refusals = [
  ...["400", "401", "403", "404", "408", "409", "413", "414", "415", "422", "429", "431"],
  ...["500", "502", "503", "504"],
];
const refusal = { $ref: "#/components/responses/Problem" };

/** The OpenAPI 3.1 document of the REST API, made of the commands that are served. */
export function openApi(commands: readonly BoundCommand[]): JsonObject {
  const byName = new Map(commands.map((command) => [command.name, command]));
  const paths: Record<string, Record<string, JsonObject>> = {};
  const shared: Shared = {};
  for (const route of routes) {
    const command = byName.get(route.command);
    if (command === undefined) continue;
    const path = `/api/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, command, shared) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "letta-matrix",
      version: "1",
      description: "Every Letta agent on Matrix. Each route is a command or a query to the running actors.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "Made by `letta-matrix token create`." },
      },
      responses: { Problem: problemResponse },
      schemas: { Problem: schemaOf(problem, "output", "Problem", shared), ...shared },
    },
  };
}

function operationOf(route: Route, command: BoundCommand, shared: Shared): JsonObject {
  const { properties, required, ...rest } = objectSchema.parse(schemaOf(command.input, "input", command.name, shared));
  const inPath = fieldsIn(route.path);
  const others = Object.keys(properties).filter((name) => !inPath.includes(name));
  const parameter = (name: string, place: "path" | "query"): JsonObject => ({
    name,
    in: place,
    required: place === "path" || (required.includes(name) && route.defaults?.[name] === undefined),
    schema: properties[name] ?? { type: "string" },
    ...(place === "query" && isList(properties[name]) && { style: "form", explode: false }),
  });
  const byQuery = asksByQuery(route);
  const body = {
    ...rest,
    properties: Object.fromEntries(others.map((name) => [name, properties[name]])),
    required: required.filter((name) => others.includes(name)),
  };
  return {
    operationId: command.name,
    summary: command.summary,
    description: `Needs the scope \`${command.scope}\`.`,
    parameters: [
      ...inPath.map((name) => parameter(name, "path")),
      ...(byQuery ? others.map((name) => parameter(name, "query")) : []),
    ],
    ...(!byQuery &&
      others.length > 0 && {
        requestBody: { required: body.required.length > 0, content: { "application/json": { schema: body } } },
      }),
    responses: {
      [String(route.status ?? 200)]: {
        description: "Done.",
        content: {
          "application/json": { schema: schemaOf(command.output, "output", command.name, shared) },
          ...(route.streamed !== undefined && { "text/event-stream": { schema: { type: "string" } } }),
        },
      },
      ...Object.fromEntries(refusals.map((status) => [status, refusal])),
    },
  };
}

/** What schemas refer to, which stands once in the document. */
type Shared = Record<string, unknown>;

/** What a schema defines for itself goes to `shared`: its references would mean the document's own root. */
function schemaOf(schema: z.ZodType, io: "input" | "output", name: string, shared: Shared): JsonObject {
  const { $schema: _, $defs = {}, ...made } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  const nameOf = (local: string): string => `${name}.${io}.${local}`;
  const relocated = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
      key === "$ref" && typeof inner === "string"
        ? inner.replace(/^#\/\$defs\/(.+)$/, (__, local: string) => `#/components/schemas/${nameOf(local)}`)
        : inner,
    );
  for (const [local, definition] of Object.entries($defs)) shared[nameOf(local)] = relocated(definition);
  return jsonObject.parse(relocated(made));
}

function isList(schema: unknown): boolean {
  return Reflect.get(Object(schema), "type") === "array";
}
