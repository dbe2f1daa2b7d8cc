import { AuditLog } from "./commands/access/audit-log.ts";
import { Tokens } from "./commands/access/tokens.ts";
import type { Clock } from "./runtime/clock.ts";
import { StoredLedger } from "./runtime/embedded/ledger.ts";
import type { Store } from "./runtime/embedded/store.ts";
import type { NamedValues } from "./runtime/ledger.ts";
import type { Logger } from "./telemetry/logger.ts";

/** How many changes are remembered, and how many that were refused: months of an installation, a few megabytes. */
const mostAudited = 10_000;
const mostRefused = 10_000;

/** Who may call, and what was called. */
export async function callersOf(
  values: NamedValues,
  store: () => Pick<Store, "scan" | "commit">,
  clock: Clock,
  logger: Pick<Logger, "error">,
) {
  return {
    tokens: await Tokens.open(values, clock),
    audit: new AuditLog(
      {
        tried: new StoredLedger(store, "audit", mostAudited),
        refused: new StoredLedger(store, "audit-refused", mostRefused),
      },
      clock,
      (missed, err) =>
        logger.error({ missed, err }, "a change could not be written into the audit log: here is what belongs there"),
    ),
  };
}
