import { HTTPError, MatrixError as SdkError, safeGetRetryAfterMs } from "matrix-js-sdk/lib/http-api/index.js";
import { errorCode, TransportError } from "./http.ts";
import { MatrixError, type MatrixErrorKind } from "./port.ts";

export type Remedies = Readonly<Partial<Record<MatrixErrorKind, string>>>;

export interface FailedCall {
  /** What was tried, as a person would say it: `sending m.room.message into !room`. */
  readonly action: string;
  readonly baseUrl: string;
  readonly bodyBytes: number;
  readonly remedies: Remedies;
  /** What was shown: a homeserver, or a proxy before it, may quote that in its answer. */
  readonly secret?: string | undefined;
}

/** Waiting time for a 429 that names none. */
const DEFAULT_RETRY_AFTER_MS = 5_000;
/** Events may have 65,536 bytes, some of them the server's own. From here on M_BAD_JSON is taken for "too large". */
const SUSPICIOUSLY_LARGE_BYTES = 60_000;
const MAX_QUOTED_CHARACTERS = 300;

/** Sorts whatever a request ended with into the kinds that decide what to do next. */
export function toMatrixError(error: unknown, call: FailedCall): MatrixError {
  if (error instanceof MatrixError) return error;
  if (error instanceof TransportError) return transportFailure(error, call);
  if (error instanceof HTTPError) return answeredFailure(error, call);
  return new MatrixError("malformed", `${call.action}: ${quoted(error)}`, {
    remedy: "This is unexpected: please report it with the log around it.",
    cause: error,
  });
}

function transportFailure(error: TransportError, call: FailedCall): MatrixError {
  const unreadable = error.failure === "unreadable" || error.failure === "body-too-large";
  return new MatrixError(unreadable ? "malformed" : "unreachable", `${call.action}: ${error.message}`, {
    remedy: transportRemedy(error, call.baseUrl),
    isTooMuch: error.failure === "body-too-large" || error.failure === "time-limit",
    cause: error,
  });
}

function transportRemedy(error: TransportError, baseUrl: string): string {
  switch (error.failure) {
    case "time-limit":
      return `The homeserver at ${baseUrl} is overloaded or hangs: look at its log and load; it is tried again.`;
    case "body-too-large":
      return "Where it can, it asks for less at once by itself. If this goes on, take the user out of rooms that it need not be in.";
    case "closed":
      return "Nothing needs to be done: this process is stopping.";
    case "unreadable":
      return `Check that ${baseUrl} is the homeserver itself, and what a proxy in between changes.`;
    case "connection":
      return connectionRemedy(errorCode(error.cause), baseUrl);
  }
}

function connectionRemedy(code: string | undefined, baseUrl: string): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return `Check the host name in the homeserver's base URL ${baseUrl}, and this machine's name resolution.`;
  }
  if (code?.startsWith("ERR_SSL") || code === "EPROTO") {
    return `Check whether ${baseUrl} speaks HTTPS at all: its base URL may have to begin with http.`;
  }
  if (code?.startsWith("ERR_TLS") || code?.includes("CERT") || code?.includes("SIGNATURE")) {
    return `Check the certificate that ${baseUrl} shows; a private authority's goes into NODE_EXTRA_CA_CERTS.`;
  }
  return `Check that the homeserver runs and that ${baseUrl} reaches it from here; it is tried again.`;
}

function answeredFailure(error: HTTPError, call: FailedCall): MatrixError {
  const data: Readonly<Record<string, unknown>> = error instanceof SdkError ? error.data : {};
  const errcode = typeof data["errcode"] === "string" ? data["errcode"] : undefined;
  const httpStatus = error.httpStatus ?? 0;
  const kind = kindOf(httpStatus, errcode, call.bodyBytes);
  const isQuoting = call.secret !== undefined && error.message.includes(call.secret);
  const text = errcode
    ? `${quoted(errcode)}: ${quoted(data["error"], call.secret)}`
    : "an answer that no homeserver gives";
  return new MatrixError(kind, `${call.action}: [${httpStatus}] ${text}`, {
    remedy: errcodeRemedy(errcode) ?? call.remedies[kind] ?? kindRemedy(kind, call.baseUrl),
    httpStatus,
    // What a proxy did not wait for.
    isTooMuch: httpStatus === 504,
    // Its message has all that was answered.
    ...(!isQuoting && { cause: error }),
    ...(errcode === undefined ? {} : { errcode }),
    ...(kind === "limited" ? { retryAfterMs: retryAfterMs(error) } : {}),
  });
}

function kindOf(status: number, errcode: string | undefined, bodyBytes: number): MatrixErrorKind {
  if (status === 429 || errcode === "M_LIMIT_EXCEEDED") return "limited";
  // Dendrite's for what its administrator has switched off: nothing is wrong with the homeserver.
  if (status === 501 && errcode !== undefined) return "unsupported";
  if (status >= 500 || status === 408) return "unreachable";
  if (status === 413 || errcode === "M_TOO_LARGE") return "too-large";
  // A proxy's own page, say while the homeserver behind it starts: it tells nothing about rooms or users.
  if (errcode === undefined) return "malformed";
  switch (errcode) {
    case "M_UNKNOWN_TOKEN":
    case "M_MISSING_TOKEN":
      return "token";
    case "M_USER_IN_USE":
    case "M_ROOM_IN_USE":
      return "taken";
    case "M_UNRECOGNIZED":
      return "unsupported";
    case "M_NOT_FOUND":
      return status === 404 ? "missing" : "refused";
    case "M_BAD_JSON":
      return bodyBytes >= SUSPICIOUSLY_LARGE_BYTES ? "too-large" : "refused";
  }
  return status === 401 || status === 403 ? "forbidden" : "refused";
}

function retryAfterMs(error: HTTPError): number {
  // Synapse's header is rounded up to seconds, its body has the exact time.
  const exact = error instanceof SdkError ? error.data["retry_after_ms"] : undefined;
  const asked = typeof exact === "number" ? exact : safeGetRetryAfterMs(error, DEFAULT_RETRY_AFTER_MS);
  return Number.isFinite(asked) ? Math.max(0, Math.ceil(asked)) : DEFAULT_RETRY_AFTER_MS;
}

function errcodeRemedy(errcode: string | undefined): string | undefined {
  switch (errcode) {
    case "M_USER_DEACTIVATED":
      return "The account was deactivated on the homeserver: its administrator can reactivate it.";
    case "M_USER_LOCKED":
    case "M_USER_SUSPENDED":
      return "The account was locked on the homeserver: its administrator can unlock it.";
    case "M_EXCLUSIVE":
      return "The name is reserved for an application service: take the agents' names out of that one's namespaces, or be it yourself (`homeserver.appservice`).";
    case "M_CONSENT_NOT_GIVEN":
      return "The homeserver wants its terms accepted first: its administrator can exempt the agents' users.";
    case "M_INVALID_USERNAME":
      return "The homeserver does not allow this user name: its administrator can allow names that begin with `agent_`.";
    default:
      return undefined;
  }
}

function kindRemedy(kind: MatrixErrorKind, baseUrl: string): string {
  switch (kind) {
    case "limited":
      return "Wait as long as the homeserver asks; for many agents raise its rc_* limits.";
    case "unreachable":
      return `The homeserver at ${baseUrl} is in trouble: look at its log; it is tried again.`;
    case "token":
      return "Log in again.";
    case "forbidden":
      return "Check the user's membership, power level and credentials.";
    case "taken":
      return "Use what exists already, if it is ours.";
    case "missing":
      return "Create it, if it should exist.";
    case "unsupported":
      return `The homeserver has no such endpoint: check its version, and that a proxy at ${baseUrl} passes the path on.`;
    case "too-large":
      return "Split it into several messages.";
    case "malformed":
      return `Check that ${baseUrl} is the homeserver itself and not only a proxy in front of it.`;
    case "refused":
      return "Look at the homeserver's message: the request is not acceptable as it is.";
  }
}

/** What others wrote, short and on one line. */
function quoted(said: unknown, secret = ""): string {
  const text = said instanceof Error ? said.message : String(said);
  return withoutSecret(text, secret)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .slice(0, MAX_QUOTED_CHARACTERS)
    .toWellFormed();
}

function withoutSecret(text: string, secret: string): string {
  return secret === "" ? text : text.replaceAll(secret, "[secret]");
}
