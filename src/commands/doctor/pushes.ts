import { error, type Finding, failureOf, ok, unknown } from "./finding.ts";
import type { Patient } from "./patient.ts";

const check = "homeserver.appservice";

/** Whether the homeserver reaches us, where it is to push. */
export async function pushesFindings(
  { pushes }: Pick<Patient, "pushes">,
  isRunning: boolean,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (pushes === undefined) return [];
  try {
    await pushes.roundTrip(isRunning, signal);
    return [ok(check, "the homeserver knows the registration, and reaches us")];
  } catch (thrown) {
    const { kind, message, remedy } = failureOf(thrown);
    return kind === "unsupported"
      ? [unknown(check, "this homeserver has no way to be asked whether it reaches us")]
      : [error(check, message, remedy)];
  }
}
