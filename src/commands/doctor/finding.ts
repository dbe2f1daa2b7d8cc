import { z } from "zod";

/**
 * - `ok`: looked at, and as it should be.
 * - `unknown`: could not be looked at.
 * - `warning`: it works, but not as it should, or not for long.
 * - `error`: it does not work.
 */
export const severities = ["ok", "unknown", "warning", "error"] as const;

export type Severity = (typeof severities)[number];

/** One thing that was looked at. Holds no secret. */
export const finding = z.object({
  /** Stays the same from version to version. */
  check: z.string(),
  severity: z.enum(severities),
  message: z.string(),
  /** What a person does about it. */
  remedy: z.string().exactOptional(),
});

export type Finding = z.output<typeof finding>;

export function ok(check: string, message: string): Finding {
  return { check, severity: "ok", message };
}

export function unknown(check: string, message: string): Finding {
  return { check, severity: "unknown", message };
}

export function warning(check: string, message: string, remedy: string): Finding {
  return { check, severity: "warning", message, remedy };
}

export function error(check: string, message: string, remedy: string): Finding {
  return { check, severity: "error", message, remedy };
}

const said = z.object({ kind: z.string().optional(), remedy: z.string().optional() });

/** Whatever something failed with, as all errors of the program tell it. */
export interface Failure {
  readonly kind?: string;
  readonly message: string;
  readonly remedy: string;
}

export function failureOf(thrown: unknown): Failure {
  const { kind, remedy } = said.safeParse(thrown).data ?? {};
  if (thrown instanceof Error && thrown.name === "TimeoutError")
    return {
      message: "there was no answer in time",
      remedy: "Look whether it hangs or has too much to do, and run the doctor again.",
    };
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    message,
    remedy: remedy ?? "This is unexpected: please report it.",
    ...(kind !== undefined && { kind }),
  };
}

/** Looks, and tells a failure as an error. */
export async function examined(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (thrown) {
    const { message, remedy } = failureOf(thrown);
    return [error(check, message, remedy)];
  }
}
