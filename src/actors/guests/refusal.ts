import { MatrixError, type MatrixErrorKind } from "../../matrix/port.ts";

/**
 * Why a guest cannot have what it asks for.
 * - `stranger`: the token or the password is nobody's.
 * - `ours`: it is an agent's or the bot's, which nobody acts as from outside.
 * - `elsewhere`: another homeserver is meant.
 * - `limited`: too much was asked; wait `retryAfterMs`.
 * - `unreachable`: the homeserver is in trouble.
 * - `forbidden`, `missing`, `refused`: it understands, and says no.
 */
export type RefusalReason =
  | "stranger"
  | "ours"
  | "elsewhere"
  | "limited"
  | "unreachable"
  | "forbidden"
  | "missing"
  | "refused";

/** What a guest wanted was not done. Says nothing that the guest may not know. */
export class GuestRefused extends Error {
  override readonly name = "GuestRefused";
  readonly reason: RefusalReason;
  readonly remedy: string;
  readonly retryAfterMs?: number;

  constructor(
    reason: RefusalReason,
    message: string,
    details: { readonly remedy: string; readonly retryAfterMs?: number | undefined; readonly cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.reason = reason;
    this.remedy = details.remedy;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

const reasons: Readonly<Record<MatrixErrorKind, RefusalReason>> = {
  unreachable: "unreachable",
  malformed: "unreachable",
  limited: "limited",
  token: "stranger",
  forbidden: "forbidden",
  missing: "missing",
  taken: "refused",
  unsupported: "refused",
  "too-large": "refused",
  refused: "refused",
};

const sayings: Readonly<Record<RefusalReason, readonly [message: string, remedy: string]>> = {
  stranger: ["the homeserver does not know this access token", "Log in again, and use the token that you are given."],
  ours: ["nobody acts as an agent or as the bot from outside", "Use an account of your own, or a letta-matrix token."],
  elsewhere: ["this serves one homeserver only", "Leave the homeserver out, or name the one that the agents are on."],
  limited: ["the homeserver takes no more of this for now", "Wait as long as Retry-After says, then try again."],
  unreachable: ["the homeserver does not answer", "Try again later; `letta-matrix status` shows how it fares."],
  forbidden: ["the homeserver forbids it", "Check that this user is in the room, and may do this there."],
  missing: ["the homeserver knows no such thing", "Check the room id."],
  refused: ["the homeserver does not take it", "Check the room id, and that the text is not too long."],
};

export function refusal(reason: RefusalReason, cause?: unknown): GuestRefused {
  const [message, remedy] = sayings[reason];
  const retryAfterMs = cause instanceof MatrixError ? cause.retryAfterMs : undefined;
  return new GuestRefused(reason, message, { remedy, retryAfterMs, cause });
}

/** What the homeserver says, in words that a stranger may read. */
export async function asGuest<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof MatrixError ? refusal(reasons[error.kind], error) : error;
  }
}
