import { examine } from "../commands/doctor/doctor.ts";
import { error, type Finding, type Severity, severities, warning } from "../commands/doctor/finding.ts";
import type { Patient } from "../commands/doctor/patient.ts";
import { status as statusSchema } from "../commands/status/schema.ts";
import { statusQuery } from "../commands/status/status.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { dropped } from "../config/former-names.ts";
import { loadConfig, secretsOf } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { ControlClient } from "../runtime/control/client.ts";
import { isNotRunning } from "../runtime/control/protocol.ts";
import { controlSocketIn } from "../runtime/control/socket-path.ts";
import { type Console, plain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";

export interface DoctorOptions {
  readonly config: string;
  readonly json?: boolean | undefined;
}

/** What only `doctor` needs. */
export interface DoctorEnvironment {
  readonly console: Console;
  readonly env: Environment;
  readonly openPatient: (config: Config) => Promise<Omit<Patient, "status"> & { close(): Promise<void> }>;
}

/** For everything: what hangs is told as such. */
const timeoutMs = 60_000;
const statusTimeoutMs = 10_000;

/** Looks at all that can be wrong, and says for each what to do. */
export async function doctor(options: DoctorOptions, environment: DoctorEnvironment): Promise<ExitCode> {
  const { console, env } = environment;
  try {
    const config = await loadConfig(options.config, env);
    const found = [...environmentFindings(env), ...(await examineWith(config, environment))];
    show(found, secretsOf(config), options, console);
    return found.some(({ severity }) => severity === "error") ? exitCode.failed : exitCode.ok;
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    show(
      thrown.problems.map((problem) => configFinding(problem, thrown.path)),
      [],
      options,
      console,
    );
    return exitCode.config;
  }
}

async function examineWith(config: Config, { openPatient }: DoctorEnvironment): Promise<readonly Finding[]> {
  const { close, ...patient } = await openPatient(config);
  const client = new ControlClient({ path: controlSocketIn(config.dataFolder), timeoutMs: statusTimeoutMs });
  const status = () =>
    client.call(statusQuery.name, {}, statusSchema).catch((thrown: unknown) => {
      if (isNotRunning(thrown)) return undefined;
      throw thrown;
    });
  try {
    return await examine({ ...patient, status }, AbortSignal.timeout(timeoutMs));
  } finally {
    await close();
  }
}

/** Variables of the older system that do nothing any more. */
function environmentFindings(env: Environment): readonly Finding[] {
  return Object.entries(dropped)
    .filter(([variable]) => env[variable] !== undefined)
    .map(([variable, why]) =>
      warning(
        "environment",
        `${variable} does nothing here: ${why}`,
        "Leave it out; docs/configuration.md has all keys.",
      ),
    );
}

function configFinding({ key, message, example }: ConfigError["problems"][number], path: string): Finding {
  const remedy =
    example === undefined ? "Correct it: docs/configuration.md explains each key." : `For example: ${example}`;
  return error("configuration", `${path}: ${key === "" ? message : `${key} ${message}`}`, remedy);
}

/** Nothing that it finds quotes a secret; should a server do, it is cut out here. */
function show(found: readonly Finding[], secrets: readonly string[], { json }: DoctorOptions, { out }: Console): void {
  const without = (text: string): string => secrets.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
  const findings = found.map(({ check, severity, message, remedy }) => ({
    check,
    severity,
    message: without(message),
    ...(remedy !== undefined && { remedy: without(remedy) }),
  }));
  const count = (wanted: Severity): number => findings.filter(({ severity }) => severity === wanted).length;
  const counts = Object.fromEntries(severities.map((severity) => [severity, count(severity)]));
  if (json === true) out(`${JSON.stringify({ findings, counts }, null, 2)}\n`);
  else out(`${findings.map(lineOf).join("")}\n${summary(count("error"), count("warning"))}\n`);
}

const marks: Readonly<Record<Severity, string>> = { ok: "ok", unknown: "?", warning: "WARNING", error: "ERROR" };

function lineOf({ check, severity, message, remedy }: Finding): string {
  const line = `${marks[severity].padEnd(7)}  ${check}: ${plain(message)}\n`;
  return remedy === undefined ? line : `${line}         -> ${plain(remedy)}\n`;
}

function summary(errors: number, warnings: number): string {
  if (errors + warnings === 0) return "Nothing is wrong that can be seen from here.";
  const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
  return [errors > 0 ? many(errors, "error") : "", warnings > 0 ? many(warnings, "warning") : ""]
    .filter(Boolean)
    .join(", ");
}
