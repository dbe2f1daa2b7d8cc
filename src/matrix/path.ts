import { MatrixError } from "./port.ts";

/**
 * Builds an endpoint's path; every value becomes one percent-encoded segment of it.
 *
 * `.` and `..` cannot be written as a segment at all (URL parsers resolve even their encoded forms), and an empty one
 * would name another endpoint, except at the end, where it is the empty state key.
 */
export function path(literals: TemplateStringsArray, ...values: readonly string[]): string {
  let built = literals[0] ?? "";
  values.forEach((value, index) => {
    const rest = literals[index + 1] ?? "";
    const isLast = index === values.length - 1 && rest === "";
    if (value === "." || value === ".." || (value === "" && !isLast)) {
      throw new MatrixError("refused", `"${value}" cannot be part of a request's path`, {
        remedy: "Look where this identifier came from: no homeserver gives one like it.",
      });
    }
    built += encodeURIComponent(value.toWellFormed()) + rest;
  });
  return built;
}
