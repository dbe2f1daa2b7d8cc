import type { Status, TransportStatus } from "../status/schema.ts";
import { error, type Finding, failureOf, ok, unknown, warning } from "./finding.ts";
import type { Patient } from "./patient.ts";

const check = "homeserver.appservice";

const reached = ok(check, "the homeserver knows the registration, and reaches us");
const unasked = unknown(check, "this homeserver has no way to be asked whether it reaches us");
const openNames = warning(
  check,
  "the registration does not keep the agents' user ids for us: whoever may register can take one before its agent comes",
  "Write exclusive: true into the registration's namespaces, the homeserver's copy too, and restart the homeserver.",
);

/** Whether the homeserver reaches us, where it is to push, and keeps our users' names for us. */
export async function pushesFindings(
  { config, pushes }: Pick<Patient, "config" | "pushes">,
  running: { readonly isThere: boolean; readonly status?: Status },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (pushes === undefined) return [];
  const open = config.homeserver.appservice?.exclusive === false ? [openNames] : [];
  // A ping of our own could not tell whom the homeserver has reached: that process, or another one.
  if (running.isThere) return [knownFinding(running.status?.transport), ...open];
  return [await triedFinding(pushes, signal), ...open];
}

async function triedFinding(pushes: NonNullable<Patient["pushes"]>, signal: AbortSignal): Promise<Finding> {
  try {
    await pushes.roundTrip(signal);
    return reached;
  } catch (thrown) {
    const { kind, message, remedy } = failureOf(thrown);
    if (kind === "unsupported") return unasked;
    return kind === "token"
      ? unknown(check, "whether the homeserver reaches us cannot be told until its first start, which makes our user")
      : error(check, message, remedy);
  }
}

/** What the running process knows of it. */
function knownFinding(transport: TransportStatus | undefined): Finding {
  if (transport?.kind === "client-server")
    return warning(check, "letta-matrix runs, and polls as it did when it was started", "Restart letta-matrix.");
  switch (transport?.reach) {
    case "reached":
      return reached;
    case "unasked":
      return unasked;
    case "unreached": {
      const { reason = "the homeserver cannot push to us", remedy = "See `letta-matrix status`." } = transport;
      return error(check, reason, remedy);
    }
    default:
      return unknown(check, "the process that runs does not know yet whether the homeserver reaches it");
  }
}
