import { type Finding, ok, warning } from "./finding.ts";
import type { Patient } from "./patient.ts";

/** Synapse's defaults: how often one person can be invited, and how often one user may send. */
const invitee = { burst: 5, everyMs: 1_000 / 0.003 };
const messages = { ratePerSecond: 0.2, burst: 10 };

/** Whom it takes longer to invite than a person would wait without asking, ms. */
const longInvitation = 600_000;

const checkName = "homeserver.rate_limits";

export interface LimitsQuestion {
  /** Agents that get a room yet. */
  readonly newcomers: number;
  readonly isSynapse: boolean;
  /** What waits in the running process, and why. */
  readonly waits: readonly string[];
}

/**
 * A homeserver does not tell its limits. With an administrator's token they do not matter; else what is seen of them
 * counts, and Synapse's defaults.
 */
export function limitsFindings({ config, homeserver }: Patient, question: LimitsQuestion): readonly Finding[] {
  const { newcomers, isSynapse, waits } = question;
  if (homeserver.admin !== undefined)
    return [ok(checkName, "agents are exempted from them with the administrator's token")];
  const { appservice } = config.homeserver;
  if (appservice !== undefined)
    return appservice.rateLimited
      ? [warning(checkName, "the registration does not exempt agents from them: rate_limited is not false", exempting)]
      : [ok(checkName, "agents are exempted from them by the application service's registration")];
  const held = waits.filter((reason) => /\[429\]|M_LIMIT_EXCEEDED/.test(reason)).length;
  const findings: Finding[] = [];
  if (held > 0) {
    const message = `the homeserver holds ${held} ${held === 1 ? "actor" : "actors"} back at this moment`;
    findings.push(warning(checkName, message, remedy));
  }
  const long = Math.max(0, newcomers - invitee.burst) * invitee.everyMs;
  if (isSynapse && config.invite.length > 0 && long > longInvitation)
    findings.push(
      warning(
        checkName,
        `${newcomers} agents get a room yet: with Synapse's default limits it takes ${durationText(long)} to invite each person to all`,
        remedy,
      ),
    );
  const { ratePerSecond, burst } = config.drafts;
  if (isSynapse && (ratePerSecond > messages.ratePerSecond || burst > messages.burst))
    findings.push(
      warning(
        "drafts",
        `answers are edited more often (${ratePerSecond} a second, ${burst} at once) than Synapse allows by default (${messages.ratePerSecond}, ${messages.burst})`,
        "Raise rc_message in homeserver.yaml to that, set homeserver.admin_token_file, or leave drafts.rate and drafts.burst out.",
      ),
    );
  return findings.length > 0 ? findings : [ok(checkName, "nothing is held back by them, as far as can be seen")];
}

const remedy =
  "Set homeserver.admin_token_file, which exempts agents; or raise rc_invites.per_user, rc_message and rc_joins in homeserver.yaml.";

const exempting =
  "Write rate_limited: false into the registration, the homeserver's copy too, and restart the homeserver.";

function durationText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
