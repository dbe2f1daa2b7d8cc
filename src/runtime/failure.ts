import { z } from "zod";

/**
 * An error as plain data, as a chart receives it in `error` of an `xstate.error.actor.*` event. `kind`, `remedy` and
 * `retryAfterMs` are copied from errors that carry them.
 */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The one distinction that decides what to do next; each port lists its own. */
  readonly kind?: string;
  /** What a person can do about it. */
  readonly remedy?: string;
  readonly retryAfterMs?: number;
  readonly cause?: Failure;
}

export const failure: z.ZodType<Failure> = z.object({
  name: z.string(),
  message: z.string(),
  kind: z.string().exactOptional(),
  remedy: z.string().exactOptional(),
  retryAfterMs: z.number().exactOptional(),
  get cause() {
    return failure.exactOptional();
  },
});

const deepestCause = 5;
/** A server may answer with a page, or with all that it was asked. */
const longestMessage = 2_000;

export function toFailure(error: unknown, depth = 0): Failure {
  if (!(error instanceof Error)) {
    const { data } = failure.safeParse(error);
    return data ?? { name: "Error", message: beginningOf(String(error)) };
  }
  const field = (key: string): unknown => Reflect.get(error, key);
  const text = (key: string): string | undefined => (typeof field(key) === "string" ? String(field(key)) : undefined);
  const kind = text("kind");
  const remedy = text("remedy");
  const retryAfterMs = field("retryAfterMs");
  return {
    name: error.name,
    message: beginningOf(error.message),
    ...(kind !== undefined && { kind }),
    ...(remedy !== undefined && { remedy }),
    ...(typeof retryAfterMs === "number" && { retryAfterMs }),
    ...(error.cause !== undefined && depth < deepestCause && { cause: toFailure(error.cause, depth + 1) }),
  };
}

function beginningOf(text: string): string {
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage).toWellFormed()}…`;
}
