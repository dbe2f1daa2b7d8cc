import { FailedLogins } from "./actors/guests/failed-logins.ts";
import { Guests } from "./actors/guests/guests.ts";
import { RecentFinals } from "./actors/outside/recent-finals.ts";
import type { Sessions } from "./actors/sessions.ts";
import { openProblem } from "./api/exposure.ts";
import { formerPart } from "./api/former/part.ts";
import type { HttpPart } from "./api/part.ts";
import type { AuditLog } from "./commands/access/audit-log.ts";
import type { Authentication } from "./commands/access/principal.ts";
import type { BoundCommand } from "./commands/command.ts";
import { OutsideRuns } from "./commands/outside/outside-runs.ts";
import type { Config } from "./config/schema.ts";
import { isAgentUser } from "./machines/addresses.ts";
import type { Homeserver, PersonalAccounts } from "./matrix/port.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Host } from "./runtime/host.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface FormerClientsOptions {
  readonly config: Pick<Config, "homeserver" | "formerClients">;
  readonly homeserver: Homeserver;
  readonly people: PersonalAccounts;
  readonly sessions: Pick<Sessions, "as">;
  readonly host: Pick<Host, "list" | "read">;
  readonly commands: readonly BoundCommand[];
  readonly authentication: Pick<Authentication, "principalOf">;
  readonly audit: Pick<AuditLog, "record">;
  readonly botUserId: string;
  readonly ratePerMinute: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What serves the clients of the older system, at this address. Throws {@link OpenToOthers}. */
export function formerClientsAt(address: string, options: FormerClientsOptions): HttpPart {
  const { config, homeserver, people, sessions, host, clock, botUserId } = options;
  const { serverName, url } = config.homeserver;
  const problem = openProblem(address, config.formerClients.legacyOpen);
  if (problem !== undefined) throw new OpenToOthers(problem);
  return formerPart({
    commands: options.commands,
    authentication: options.authentication,
    audit: options.audit,
    guests: new Guests({
      people,
      homeserver,
      logins: new FailedLogins(clock),
      isOurs: (userId) => isAgentUser(userId) || userId === botUserId,
    }),
    outside: new OutsideRuns({ host, server: serverName, clock, finals: new RecentFinals(sessions) }),
    homeserver: { serverName, url },
    botUserId,
    access: config.formerClients,
    ratePerMinute: options.ratePerMinute,
    clock,
    logger: options.logger,
  });
}

/** Nothing is served. */
export class OpenToOthers extends Error {
  override readonly name = "OpenToOthers";
  readonly remedy = "Leave api.legacy_open out, or bind this machine's own address, 127.0.0.1.";

  constructor(problem: string) {
    super(`api.legacy_open ${problem}`);
  }
}
