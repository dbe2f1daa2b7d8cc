import { z } from "zod";

/** RFC 9457: what went wrong, for programs and for people. */
export const problem = z.strictObject({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** What to do about it. */
  remedy: z.string().exactOptional(),
  /** Names the request in the log and in the audit log. */
  request_id: z.string(),
});

export type Problem = z.output<typeof problem>;

/** A request that is refused before it comes to a command. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly remedy: string;

  constructor(status: number, message: string, remedy: string) {
    super(message);
    this.status = status;
    this.remedy = remedy;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** By the names of the errors that commands throw. Others that say what to do are what the command could not do. */
const statusOf: Readonly<Record<string, number>> = {
  InvalidInput: 400,
  ExpiredAlready: 400,
  NoSuchPage: 400,
  NotAllowed: 403,
  OfAnotherAgent: 403,
  NotYours: 403,
  NoSuchAgent: 404,
  NoSuchToken: 404,
  NoSuchLetter: 404,
  NoSuchMessage: 404,
  NotInQuarantine: 409,
  NotServed: 409,
  NotReplayable: 409,
  TooManyTokens: 409,
  OwnRoom: 409,
  OwnSpace: 409,
  NeverThere: 409,
  WrittenByOther: 409,
  NoRoomYet: 409,
  AgentRetired: 409,
  NobodyAnswers: 409,
  KeyTaken: 409,
  KeyForgotten: 409,
  Deadlock: 409,
  TooManyHops: 409,
  LettaError: 502,
  MatrixError: 502,
  NoListing: 502,
  MailboxFull: 503,
  RoomBusy: 503,
  HostStopped: 503,
  StoreFailed: 503,
  StoreUnavailable: 503,
  UnreadableRecord: 503,
  RowDamaged: 503,
  NoReply: 504,
};

/** By their kind: what the homeserver says no with is about what was asked for; what it fails with is its own trouble. */
const statusOfKind: Readonly<Record<string, number>> = {
  limited: 429,
  forbidden: 403,
  missing: 404,
  taken: 409,
  "too-large": 413,
  refused: 422,
  unreachable: 503,
};

const ofTheHomeserver: ReadonlySet<string> = new Set(["MatrixError", "NotDone"]);

const correctIt = "Correct the request and send it again.";

/** For errors that say nothing better. */
const remedyOf: Readonly<Record<number, string>> = {
  400: correctIt,
  503: "Ask again in a moment.",
  504: "It was taken, and may still be done. See what came of it before you ask again.",
};

const described = z.object({
  name: z.string(),
  message: z.string(),
  kind: z.string().optional().catch(undefined),
  remedy: z.string().optional().catch(undefined),
  status: z.int().min(400).max(599).optional().catch(undefined),
  statusCode: z.int().optional().catch(undefined),
  retryAfterMs: z.number().optional().catch(undefined),
});

/** Fastify's own words may quote what was sent. */
const saidOf: Readonly<Record<number, readonly [detail: string, remedy: string]>> = {
  400: ["The request is not well-formed.", "Send valid JSON, and a valid path."],
  404: ["There is nothing at this path.", "GET /api/v1/openapi.json tells what there is."],
  408: ["The request did not come to its end in time.", "Send it again, all at once."],
  413: ["The body is too large.", "Send less at once."],
  414: ["The path is too long.", "Name what is meant by its id: no id is as long as that."],
  415: ["The body is not JSON.", "Send JSON, with the header Content-Type: application/json."],
  429: ["Too many requests.", "Wait as long as Retry-After says."],
  431: ["The address or the headers are too large.", "Send less there: all together may have 16 KB."],
};

export interface Told {
  readonly problem: Problem;
  /** Nobody expects it: it belongs into the log. */
  readonly isUnexpected: boolean;
  readonly retryAfterMs?: number;
}

/** What the caller is told of an error: nothing that was not written to be read. */
export function problemOf(error: unknown, requestId: string): Told {
  const { data } = described.safeParse(error);
  const byKind = ofTheHomeserver.has(data?.name ?? "") ? statusOfKind[data?.kind ?? ""] : undefined;
  const status = data && (data.status ?? byKind ?? statusOf[data.name]);
  if (data !== undefined && (status !== undefined || data.remedy !== undefined)) {
    const { message, remedy, retryAfterMs } = data;
    const told = problemFor(status ?? 422, message, remedy ?? remedyOf[status ?? 422], requestId);
    return { problem: told, isUnexpected: false, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  const code = data?.statusCode ?? 500;
  if (code >= 400 && code < 500) {
    const [detail, remedy] = saidOf[code] ?? ["The request is not acceptable as it is.", correctIt];
    return { problem: problemFor(code, detail, remedy, requestId), isUnexpected: false };
  }
  const remedy = "The log tells more of this request. Whether it was carried out is not known.";
  return { problem: problemFor(500, "This went wrong here.", remedy, requestId), isUnexpected: true };
}

function problemFor(status: number, detail: string, remedy: string | undefined, requestId: string): Problem {
  const title = titles[status] ?? "Refused";
  return {
    type: "about:blank",
    title,
    status,
    detail,
    ...(remedy !== undefined && { remedy }),
    request_id: requestId,
  };
}
