import { z } from "zod";
import type { Logger } from "../telemetry/logger.ts";
import { inToolNames } from "./catalogue.ts";

const described = z.object({ message: z.string(), remedy: z.string().optional().catch(undefined) });

export interface Failure {
  /** What went wrong and what to do about it; nothing that was not written to be read. */
  readonly text: string;
  readonly isUnexpected: boolean;
}

/** Where it went wrong, for the log. */
export interface Place {
  readonly logger: Pick<Logger, "error">;
  readonly signal: AbortSignal;
  readonly what: string;
  readonly about: object;
}

/** What is told of a failure to whoever called, and to the operator where nobody expected it. */
export function failureOf(error: unknown, { logger, signal, what, about }: Place): Failure {
  const { data } = described.safeParse(error);
  if (data?.remedy !== undefined) return { text: `${data.message}. ${inToolNames(data.remedy)}`, isUnexpected: false };
  // Whoever is not waited for any more has not failed.
  if (!signal.aborted) logger.error({ err: error, ...about }, what);
  return { text: "This went wrong here. The operator's log tells more.", isUnexpected: true };
}
