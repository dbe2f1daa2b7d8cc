import { z } from "zod";
import { GuestRefused, type RefusalReason } from "../../commands/guest/guests.ts";

/** What goes wrong on the former routes, in the bodies that their clients know. */

export const refusedBody = z.object({ success: z.literal(false), message: z.string() });
export const refusedWebhook = z.object({ success: z.literal(false), error: z.string() });

/** A request that is not served, in words for whoever sent it. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly retryAfterMs?: number;

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

export interface Failure {
  readonly status: number;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** Nobody expects it: it belongs into the log. */
  readonly isUnexpected?: true;
}

/** What a caller is told: nothing of what it sent, and nothing that was not written to be read. */
export function failureOf(error: unknown, requestId: string): Failure {
  if (error instanceof Refused) return error;
  if (error instanceof GuestRefused)
    return { status: statusOfReason[error.reason], message: told(error), retryAfterMs: error.retryAfterMs };
  const { data } = described.safeParse(error);
  if (data?.validation !== undefined) return { status: 400, message: problemsIn(data.validation) };
  const status = statusOfName[data?.name ?? ""] ?? statusOfKind[data?.kind ?? ""];
  if (status !== undefined && data?.remedy !== undefined)
    return { status, message: told({ message: data.message, remedy: data.remedy }), retryAfterMs: data.retryAfterMs };
  if (status !== undefined) return { status, message: unavailable };
  // Errors that say what to do are what could not be done; all others are unexpected.
  if (data?.remedy !== undefined)
    return {
      status: data.status ?? 422,
      message: told({ message: data.message, remedy: data.remedy }),
      retryAfterMs: data.retryAfterMs,
    };
  const { statusCode = 500 } = data ?? {};
  if (statusCode >= 400 && statusCode < 500) return { status: statusCode, message: saidOf[statusCode] ?? unacceptable };
  return {
    status: 500,
    message: `This went wrong here; the log tells more of request ${requestId}.`,
    isUnexpected: true,
  };
}

const unavailable = "This cannot be done for now. Try again later.";
const unacceptable = "The request is not acceptable as it is.";

/** Fastify's own words may quote what was sent. */
const saidOf: Readonly<Record<number, string>> = {
  400: "The body is not valid JSON.",
  401: "A token is needed: Authorization: Bearer <token>.",
  403: "This is not allowed.",
  413: "The body is too large.",
  415: "The body has to be JSON (Content-Type: application/json).",
  429: "Too many requests. Wait as long as Retry-After says.",
};

const statusOfReason: Readonly<Record<RefusalReason, number>> = {
  stranger: 401,
  ours: 403,
  elsewhere: 400,
  limited: 429,
  unreachable: 503,
  forbidden: 403,
  missing: 404,
  refused: 400,
};

const statusOfName: Readonly<Record<string, number>> = {
  NotAllowed: 403,
  InvalidInput: 400,
  NotYours: 403,
  OfAnotherAgent: 403,
  RoomBusy: 429,
  NoSuchAgent: 404,
  TooManyTokens: 409,
  KeyTaken: 409,
  KeyForgotten: 409,
  NoListing: 503,
  NoReply: 503,
  MailboxFull: 503,
  HostStopped: 503,
  StoreUnavailable: 503,
  StoreFailed: 503,
};

/** Of errors that have a kind, the ports' own. */
const statusOfKind: Readonly<Record<string, number>> = {
  limited: 429,
  forbidden: 403,
  missing: 404,
  taken: 409,
  refused: 400,
  unsupported: 400,
  "too-large": 413,
  unreachable: 503,
  malformed: 503,
  token: 503,
};

const described = z.object({
  name: z.string(),
  message: z.string(),
  remedy: z.string().optional().catch(undefined),
  kind: z.string().optional().catch(undefined),
  retryAfterMs: z.number().optional().catch(undefined),
  status: z.int().min(400).max(599).optional().catch(undefined),
  statusCode: z.number().optional().catch(undefined),
  validation: z
    .array(z.object({ instancePath: z.string().default(""), message: z.string().default("is not acceptable") }))
    .optional()
    .catch(undefined),
});

function told({ message, remedy }: { readonly message: string; readonly remedy: string }): string {
  return `${message.slice(0, 1).toUpperCase()}${message.slice(1).replace(/\.$/, "")}. ${remedy}`;
}

function problemsIn(problems: readonly { readonly instancePath: string; readonly message: string }[]): string {
  const texts = problems.map(({ instancePath, message }) =>
    instancePath === "" ? message : `${instancePath.slice(1).replaceAll("/", ".")}: ${message}`,
  );
  return texts.join("; ") || unacceptable;
}
