import { MatrixError } from "./port.ts";

/**
 * Builds an endpoint's path; every value becomes one percent-encoded segment of it.
 *
 * `.` and `..` cannot be written as a segment at all (URL parsers resolve even their encoded forms), and an empty one
 * would name another endpoint.
 */
export function path(literals: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: literals }, ...values.map(segment));
}

/** The path of a piece of state, whose key is often empty. */
export function statePath(roomId: string, type: string, stateKey: string): string {
  const allOfType = path`/rooms/${roomId}/state/${type}/`;
  return stateKey === "" ? allOfType : allOfType + segment(stateKey);
}

function segment(value: string): string {
  if (value === "" || value === "." || value === "..") {
    throw new MatrixError("refused", `"${value}" cannot be part of a request's path`, {
      remedy: "Look where this identifier came from: no homeserver gives one like it.",
    });
  }
  return encodeURIComponent(value.toWellFormed());
}
