import type { Status } from "../status/schema.ts";
import { examineData } from "./data.ts";
import { error, type Finding, failureOf, unknown } from "./finding.ts";
import { examineHomeserver } from "./homeserver.ts";
import { examineLetta } from "./letta.ts";
import { limitsFindings } from "./limits.ts";
import type { Patient } from "./patient.ts";
import { pushesFindings } from "./pushes.ts";
import { runningFindings, waitsOf } from "./running.ts";

/** Looks at all that can be wrong before it runs and while it does. Changes nothing. */
export async function examine(patient: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const running = await runningOf(patient);
  const [data, homeserver, letta] = await Promise.all([
    examineData(patient, running.isThere),
    examineHomeserver(patient, signal),
    examineLetta(patient, signal),
  ]);
  const isUp = homeserver.some(({ check, severity }) => check === "homeserver" && severity === "ok");
  const { status } = running;
  const housed = new Set(
    status?.agents.filter(({ roomId }) => roomId !== undefined).map(({ agentId }) => agentId) ?? data.contents?.housed,
  );
  const pushes = isUp ? await pushesFindings(patient, running, signal) : [];
  const disabled = new Set(patient.config.discovery.disabled);
  const newcomers = (letta.agents ?? []).filter((agentId) => !housed.has(agentId) && !disabled.has(agentId)).length;
  const limits = isUp
    ? limitsFindings(patient, {
        newcomers,
        isSynapse: await patient.homeserver.isSynapse(signal),
        waits: status === undefined ? [] : waitsOf(status).map(({ reason }) => reason),
      })
    : [];
  return [...data.findings, ...homeserver, ...pushes, ...limits, ...letta.findings, ...running.findings];
}

interface Running {
  readonly isThere: boolean;
  readonly status?: Status;
  readonly findings: readonly Finding[];
}

async function runningOf(patient: Patient): Promise<Running> {
  try {
    const status = await patient.status();
    return status === undefined
      ? { isThere: false, findings: [unknown("running", "it does not run")] }
      : { isThere: true, status, findings: runningFindings(status) };
  } catch (thrown) {
    const { message, remedy } = failureOf(thrown);
    return { isThere: true, findings: [error("running", message, remedy)] };
  }
}
