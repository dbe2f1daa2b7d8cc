import type { AuditLog } from "../../commands/access/audit-log.ts";
import type { Authentication } from "../../commands/access/principal.ts";
import type { BoundCommand } from "../../commands/command.ts";
import type { Guests } from "../../commands/guest/guests.ts";
import type { OutsideRuns } from "../../commands/outside/outside-runs.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";

/** What the routes of the older system are made from. */
export interface FormerOptions {
  /** Those that are missing make their routes answer that they are not served here. */
  readonly commands: readonly BoundCommand[];
  readonly authentication: Pick<Authentication, "principalOf">;
  /** Where changes are written down that are no command's; these do it by themselves. */
  readonly audit: Pick<AuditLog, "record">;
  readonly guests: Pick<Guests, "logIn" | "enter">;
  readonly outside: Pick<OutsideRuns, "register" | "judge">;
  /** The homeserver that is served: another one that a caller names is refused. */
  readonly homeserver: { readonly serverName: string; readonly url: string };
  readonly botUserId: string;
  readonly access: FormerAccess;
  /** Requests a minute that each token may make, and each address without one. */
  readonly ratePerMinute: number;
  readonly clock: Pick<Clock, "now" | "elapsed">;
  readonly logger: Pick<Logger, "warn" | "error">;
}

/** Who is let in besides those who have a token. */
export interface FormerAccess {
  /** What callers of the same installation send as `X-Internal-Key`. A secret. */
  readonly internalKey?: string;
  /** Lets everybody in who is on this machine. */
  readonly legacyOpen: boolean;
  /** What Letta signs its webhooks with. A secret. */
  readonly webhookSecret?: string;
}
