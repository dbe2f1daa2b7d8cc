import {
  ClientPrefix,
  type HttpApiEvent,
  type HttpApiEventHandlerMap,
  MatrixHttpApi,
  type Method,
} from "matrix-js-sdk/lib/http-api/index.js";
import { TypedEventEmitter } from "matrix-js-sdk/lib/models/typed-event-emitter.js";
import type { z } from "zod";
import { type Remedies, toMatrixError } from "./failure.ts";
import { encodeJson } from "./json.ts";
import { MatrixError } from "./port.ts";

export interface Call {
  /** What is tried, as a person would say it; begins the message of its error. */
  readonly action: string;
  readonly method: Method;
  /** Below the prefix, already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of a body. */
  readonly file?: { readonly contentType: string; readonly bytes: Uint8Array };
  readonly prefix?: string;
  /** What is answered where that is no JSON: then a `Blob`. */
  readonly answer?: "file";
  /** What a person can do about a failure of this kind, where more can be said than in general. */
  readonly remedies?: Remedies;
}

/** Who carries out calls: for a user, or for nobody yet. */
export type Caller = Pick<MatrixApi, "call">;

const JSON_BODY = { "Content-Type": "application/json" };

/** The homeserver's endpoints for one user, or for nobody yet: an answer is parsed, a failure is a {@link MatrixError}. */
export class MatrixApi {
  readonly #baseUrl: string;
  readonly #accessToken: string | undefined;
  readonly #http: MatrixHttpApi<{ baseUrl: string; prefix: string; onlyData: true }>;

  constructor(baseUrl: string, fetchFn: typeof globalThis.fetch, accessToken?: string) {
    this.#baseUrl = baseUrl;
    this.#accessToken = accessToken;
    this.#http = new MatrixHttpApi(new TypedEventEmitter<HttpApiEvent, HttpApiEventHandlerMap>(), {
      baseUrl,
      prefix: ClientPrefix.V3,
      onlyData: true,
      fetchFn,
      ...(accessToken === undefined ? {} : { accessToken }),
    });
  }

  /** Rejects with {@link MatrixError}, or with the signal's reason once it is aborted. */
  async call<T>(call: Call, answer: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const body = call.file?.bytes ?? (call.body === undefined ? undefined : encodeJson(call.body));
    let answered: unknown;
    try {
      answered = await this.#request(call, body, signal);
    } catch (error) {
      signal.throwIfAborted();
      const bodyBytes = body === undefined ? 0 : Buffer.byteLength(body);
      const { action, remedies = {} } = call;
      throw toMatrixError(error, { action, remedies, baseUrl: this.#baseUrl, bodyBytes, secret: this.#accessToken });
    }
    const parsed = answer.safeParse(answered);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new MatrixError("malformed", `${call.action}: ${issue?.path.join(".") || "the answer"}: ${issue?.message}`, {
      remedy: `Check that ${this.#baseUrl} is a Matrix homeserver, and its version.`,
      cause: parsed.error,
    });
  }

  #request(call: Call, body: string | Uint8Array | undefined, signal: AbortSignal): Promise<unknown> {
    const headers = call.file === undefined ? JSON_BODY : { "Content-Type": call.file.contentType };
    const options = {
      abortSignal: signal,
      ...(body === undefined ? {} : { headers }),
      ...(call.prefix === undefined ? {} : { prefix: call.prefix }),
      ...(call.answer === "file" && { rawResponseBody: true as const }),
    };
    return this.#accessToken !== undefined
      ? this.#http.authedRequest(call.method, call.path, { ...call.query }, body, options)
      : this.#http.request(call.method, call.path, { ...call.query }, body, options);
  }
}
