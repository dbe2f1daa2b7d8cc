import type { Principal } from "../access/principal.ts";
import type { WaitStatus } from "./schema.ts";

interface Waiting {
  readonly wait?: WaitStatus;
  readonly paused?: { readonly since: number; readonly reason?: string };
}

type WordsFor = <T extends Waiting>(status: T) => T;

/**
 * What a caller is told of how an actor fares. Why it waits, and what to do about it, are words for operators: they name
 * servers, and people write them. Everybody else is told that it waits, and until when.
 */
export function wordsFor({ scopes }: Pick<Principal, "scopes">): WordsFor {
  return scopes.has("admin:read") ? (status) => status : withoutWords;
}

function withoutWords<T extends Waiting>(status: T): T {
  const { wait, paused } = status;
  return {
    ...status,
    ...(wait !== undefined && { wait: silent(wait) }),
    ...(paused !== undefined && { paused: { since: paused.since } }),
  };
}

function silent({ remedy: _, ...wait }: WaitStatus): WaitStatus {
  return { ...wait, reason: "operators are told why" };
}
