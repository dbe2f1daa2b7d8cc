import { MatrixError, type MatrixErrorKind } from "../matrix/port.ts";

const lastWords: ReadonlySet<MatrixErrorKind> = new Set(["forbidden", "refused", "missing", "unsupported"]);

/** Whether the homeserver has understood what was asked and will not do it, so that asking again changes nothing. */
export function isLastWord(error: unknown): error is MatrixError {
  return error instanceof MatrixError && lastWords.has(error.kind);
}
