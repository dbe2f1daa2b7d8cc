import { hash } from "node:crypto";
import { z } from "zod";
import type { Principal } from "../access/principal.ts";
import type { Call } from "../command.ts";

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 visible ASCII characters")
  .exactOptional()
  .describe("Under it the same agent does the same once, and nothing else, for a week at least.");

/** Something that a caller wants done, by what it is known again. */
export interface Named {
  /** The same for the same caller and key, whoever speaks, else another one with each request. What leaves us is named by it. */
  readonly key: string;
  /** Tells it from whatever else the caller wants under the same key. */
  readonly deed: string;
}

/** Names what a caller wants done by a command. `given` is what makes it another thing. */
export function named(
  { principal, requestId }: Pick<Call, "principal" | "requestId">,
  key: string | undefined,
  { command, given }: { readonly command: string; readonly given: Readonly<Record<string, unknown>> },
): Named {
  const fields = Object.entries(given).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    key: digest(key === undefined ? ["request", requestId] : ["key", callerOf(principal), key]),
    deed: digest([command, fields]),
  };
}

function callerOf({ tokenId, agentId, name }: Principal): string {
  return tokenId ?? agentId ?? name;
}

function digest(parts: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(parts), "base64url");
}

/** The key is that of something else; nothing was done. */
export class KeyTaken extends Error {
  override readonly name = "KeyTaken";
  override readonly message = "something else was asked for under this key before";
  readonly remedy = "Take a key of its own for each thing that is to be done, and the same one only to repeat it.";
}

/** What it was used for may have been done or refused then; nothing was done now. */
export class KeyForgotten extends Error {
  override readonly name = "KeyForgotten";
  override readonly message = "this key was used before, too long ago to remember what became of it";
  readonly remedy = "Look whether it stands in the room. If it does not, ask for it under another key.";
}
