import type { IncomingMessage, ServerResponse } from "node:http";
import { isObject } from "./entries.ts";
import { Fault } from "./fault.ts";

/** A request as a route gets it. */
export interface Asked {
  /** What stands for the `:names` of the route, decoded, in their order. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  /** Of the body, where it is a JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly token: string | undefined;
  /** Fires when whoever asked is gone. */
  readonly gone: AbortSignal;
}

/** An answer that is no JSON. */
export class FileAnswer {
  readonly contentType: string;
  readonly bytes: Buffer;

  constructor(contentType: string, bytes: Buffer) {
    this.contentType = contentType;
    this.bytes = bytes;
  }
}

export type Route = (asked: Asked) => object | Promise<object>;

/** `PUT /v3/rooms/:/send/:/:` to what it does; paths below `/_matrix/client` unless they begin with `/_`. */
export type Routes = Readonly<Record<string, Route>>;

interface Known {
  readonly method: string;
  readonly segments: readonly string[];
  readonly route: Route;
}

export class Router {
  /** By the number of segments. */
  readonly #known = new Map<number, Known[]>();

  constructor(...all: readonly Routes[]) {
    for (const [pattern, route] of all.flatMap((routes) => Object.entries(routes))) {
      const [method = "", path = ""] = pattern.split(" ");
      const segments = (path.startsWith("/_") ? path : `/_matrix/client${path}`).split("/").slice(1);
      this.#known.set(segments.length, [...(this.#known.get(segments.length) ?? []), { method, segments, route }]);
    }
  }

  find(method: string, path: string): { readonly route: Route; readonly ids: readonly string[] } {
    const given = path.split("/").slice(1);
    const here = (this.#known.get(given.length) ?? []).filter(({ segments }) =>
      segments.every((segment, index) => segment === ":" || segment === given[index]),
    );
    const found = here.find((known) => known.method === method);
    if (found === undefined && here.length > 0) throw new Fault(405, "M_UNRECOGNIZED", "Unrecognized request");
    if (found === undefined) throw new Fault(404, "M_UNRECOGNIZED", "Unrecognized request");
    const ids = given.filter((_, index) => found.segments[index] === ":").map(decodeURIComponent);
    return { route: found.route, ids };
  }
}

/** Reads a request to its end. */
export async function read(
  request: IncomingMessage,
  response: ServerResponse,
  ids: readonly string[],
  query: URLSearchParams,
): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const contentType = request.headers["content-type"] ?? "";
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const [, bearer] = /^Bearer (.*)$/.exec(request.headers.authorization ?? "") ?? [];
  const token = bearer ?? query.get("access_token") ?? undefined;
  return {
    ids,
    query,
    bytes,
    contentType,
    token,
    gone: gone.signal,
    body: request.url?.includes("/upload") ? {} : bodyIn(bytes),
  };
}

function bodyIn(bytes: Buffer): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new Fault(400, "M_NOT_JSON", "Content not JSON.");
  }
  if (!isObject(body)) throw new Fault(400, "M_BAD_JSON", "Content must be a JSON object.");
  return body;
}
