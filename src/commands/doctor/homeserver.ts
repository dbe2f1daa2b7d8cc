import { error, examined, type Finding, failureOf, ok, unknown, warning } from "./finding.ts";
import type { Patient } from "./patient.ts";

/** Since this version of the specification its paths are those that we use. */
const leastVersion = "v1.1";
const neededFlow = "m.login.password";

/** Clocks that differ by less trouble nobody, ms. */
const toleratedDifference = 30_000;

/** Checks all of it that can be seen without leaving anything there. */
export async function examineHomeserver(patient: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const { config, homeserver } = patient;
  const { url } = config.homeserver;
  const asked = patient.now();
  const standing = await homeserver.standing(signal).catch(failureOf);
  if ("message" in standing) return [error("homeserver", `${url}: ${standing.message}`, standing.remedy)];
  const answered = patient.now();
  return [
    ok("homeserver", `${url} answers`),
    versionFinding(standing.versions),
    ...clockFindings(standing.clock, asked, answered),
    ...(await examined("homeserver.login", () => loginFindings(patient, signal))),
    ...(await nameFindings(patient, signal)),
    ...(await registrationFindings(patient, signal)),
    ...(await adminFindings(patient, signal)),
  ];
}

function versionFinding(versions: readonly string[]): Finding {
  const newest = versions.findLast((version) => /^v1\.\d+$/.test(version));
  return newest === undefined
    ? error(
        "homeserver.version",
        `it speaks none of the specification's versions from ${leastVersion} on`,
        "Use a newer version of the homeserver.",
      )
    : ok("homeserver.version", `it speaks the specification's version ${newest}`);
}

function clockFindings(clock: number | undefined, asked: number, answered: number): readonly Finding[] {
  if (clock === undefined) return [];
  // The header has whole seconds.
  const difference = clock < asked ? asked - (clock + 1_000) : clock - answered;
  if (difference <= toleratedDifference) return [ok("clock", "this machine and the homeserver agree on the time")];
  const seconds = Math.round(difference / 1_000);
  return [
    warning(
      "clock",
      `this machine's clock is ${seconds} s ${clock < asked ? "ahead of" : "behind"} the homeserver's`,
      "Let both machines take the time from NTP.",
    ),
  ];
}

async function loginFindings({ config, homeserver }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  if (config.homeserver.registration === undefined) return [];
  const flows = await homeserver.loginFlows(signal);
  return flows.includes(neededFlow)
    ? [ok("homeserver.login", "users can log in with a password")]
    : [
        error(
          "homeserver.login",
          "users cannot log in with a password, as the agents' users do",
          "Allow m.login.password (Synapse: password_config.enabled).",
        ),
      ];
}

async function nameFindings({ config, homeserver }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const check = "homeserver.server_name";
  const { serverName } = config.homeserver;
  const verdict = await homeserver.nameVerdict(signal).catch(failureOf);
  if ("message" in verdict) return [unknown(check, `whether it is ${serverName} cannot be told: ${verdict.message}`)];
  if (verdict.is === "right") return [ok(check, `it is ${serverName}`)];
  const message =
    verdict.own === undefined
      ? `it is not ${serverName}: it looks for that name at another server`
      : `it is ${verdict.own}, not ${serverName}`;
  const name = verdict.own ?? "the part after the colon in its user ids";
  return [error(check, message, `Set homeserver.server_name to ${name}.`)];
}

async function registrationFindings({ config, homeserver }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const check = "homeserver.registration";
  if (config.homeserver.registration === undefined) return [];
  try {
    await homeserver.tryRegistration(signal);
    return [ok(check, "users can be registered")];
  } catch (thrown) {
    const { kind, message, remedy } = failureOf(thrown);
    // Not every homeserver tells of its tokens. Without the way of the secret, though, there is no registering by it.
    const isMute = kind === "unsupported" && config.homeserver.registration?.kind === "token";
    return kind === "limited" || isMute ? [unknown(check, message)] : [error(check, message, remedy)];
  }
}

async function adminFindings({ config, homeserver }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const { admin } = homeserver;
  if (admin === undefined) return [];
  return examined("homeserver.admin_token", async () => {
    await admin.exists(`@letta-matrix:${config.homeserver.serverName}`, signal);
    return [ok("homeserver.admin_token", "it is a server administrator's")];
  });
}
