import { z } from "zod";

/**
 * What goes over the control socket: HTTP, one POST for each command. The path is the command's name, the body its
 * input; the answer is `{ result }` or `{ error }`.
 */

/** The largest request, which holds a file of 1 MB in base64, and the largest answer, in bytes. */
export const maxRequestBytes = 1_500_000;
export const maxAnswerBytes = 64 * 1024 * 1024;

export const answerSchema = z.union([
  z.object({ result: z.unknown() }),
  z.object({
    error: z.object({ message: z.string(), remedy: z.string().exactOptional() }),
  }),
]);

export type Answer = z.infer<typeof answerSchema>;

/**
 * Why a call over the control socket failed.
 * - `not-running`: nobody listens there.
 * - `forbidden`: the socket belongs to another user.
 * - `overdue`: no answer in time; whether the command was carried out is not known.
 * - `refused`: the command said no, or does not exist.
 * - `malformed`: what answers is not this program, or another version of it.
 */
export type ControlErrorKind = "not-running" | "forbidden" | "overdue" | "refused" | "malformed";

export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly kind: ControlErrorKind;
  readonly remedy: string;

  constructor(kind: ControlErrorKind, message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.remedy = remedy;
  }
}

/** Whether nobody listened there. */
export function isNotRunning(error: unknown): error is ControlError {
  return error instanceof ControlError && error.kind === "not-running";
}
