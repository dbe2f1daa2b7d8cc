import type { HttpConnections, HttpResponse, Lane } from "./http.ts";
import { TransportError } from "./http.ts";

export interface Budget {
  readonly lane: Lane;
  readonly timeLimitMs: number;
}

/**
 * A `fetch` for MatrixHttpApi. It resolves only when the whole body is there, because MatrixHttpApi stops listening
 * to the abort signal as soon as it has the headers. It never rejects: what a fetch rejects with loses its cause
 * there, what reading a body rejects with comes through as it is.
 */
export function fetchOver(connections: HttpConnections, budgetOf: (url: URL) => Budget): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      const url = input instanceof URL ? input : new URL(typeof input === "string" ? input : input.url);
      const body = init?.body;
      if (body !== undefined && body !== null && typeof body !== "string" && !(body instanceof Uint8Array)) {
        throw new TypeError("only text and bytes can be sent as a request's body");
      }
      const request = {
        url,
        method: init?.method ?? "GET",
        headers: plainHeaders(init?.headers),
        ...budgetOf(url),
        ...(body === undefined || body === null ? {} : { body }),
      };
      return new WholeResponse(await connections.send(request, init?.signal));
    } catch (error) {
      return new FailedResponse(error);
    }
  };
}

function plainHeaders(headers: RequestInit["headers"]): Record<string, string> {
  if (headers === undefined) return {};
  if (headers instanceof Headers || Array.isArray(headers)) return Object.fromEntries(headers);
  return { ...headers };
}

/** A response over a body that is already there: none of the stream machinery of a plain Response is needed. */
class WholeResponse extends Response {
  readonly #response: HttpResponse;

  constructor(response: HttpResponse) {
    if (response.status < 200 || response.status > 599) {
      throw new TransportError("unreadable", `the answer has the status ${response.status}`);
    }
    super(null, { status: response.status, headers: describe(response) });
    this.#response = response;
  }

  override text(): Promise<string> {
    return Promise.resolve(this.#response.body.toString("utf8"));
  }

  override async json(): Promise<unknown> {
    const parsed = parseJson(await this.text());
    // The parser's own error quotes the text, which may hold an access token.
    if (parsed === undefined) throw new TransportError("unreadable", "the answer is not JSON, or is cut off");
    return parsed;
  }

  override blob(): Promise<Blob> {
    const { body, headers } = this.#response;
    return Promise.resolve(new Blob([new Uint8Array(body)], { type: headers["content-type"] ?? "" }));
  }
}

class FailedResponse extends Response {
  readonly #error: unknown;

  constructor(error: unknown) {
    super(null, { status: 500 });
    this.#error = error;
  }

  override text(): Promise<string> {
    return Promise.reject(this.#error);
  }
}

/**
 * Only what MatrixHttpApi looks at. An error is announced as JSON exactly when it is a JSON object, so that an
 * error page of a proxy keeps its status instead of failing in the parser.
 */
function describe(response: HttpResponse): Record<string, string> {
  const headers: Record<string, string> = {};
  const retryAfter = response.headers["retry-after"];
  if (retryAfter !== undefined) headers["Retry-After"] = retryAfter;
  if (response.status >= 400 && isObject(parseJson(response.body.toString("utf8"))))
    headers["Content-Type"] = "application/json";
  return headers;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `undefined` when it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
