import { AuditLog } from "./commands/access/audit-log.ts";
import { Tokens } from "./commands/access/tokens.ts";
import type { Clock } from "./runtime/clock.ts";
import { StoredLedger } from "./runtime/embedded/ledger.ts";
import type { Store } from "./runtime/embedded/store.ts";
import type { NamedValues } from "./runtime/ledger.ts";

/** How many changes are remembered: months of an installation, a few megabytes. */
const mostAudited = 10_000;

/** Who may call, and what was called. */
export async function callersOf(values: NamedValues, store: () => Pick<Store, "scan" | "commit">, clock: Clock) {
  return {
    tokens: await Tokens.open(values, clock),
    audit: new AuditLog(new StoredLedger(store, "audit", mostAudited), clock),
  };
}
