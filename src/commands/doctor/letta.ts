import { error, type Finding, failureOf, ok, unknown, warning } from "./finding.ts";
import type { Patient } from "./patient.ts";

export interface LettaExamination {
  readonly findings: readonly Finding[];
  /** Ids of all agents; left out when they cannot be told. */
  readonly agents?: readonly string[];
}

/** Tools by which an agent does something on the machine that Letta runs on, in whatever spelling. */
const hostTools: ReadonlySet<string> = new Set(
  [
    "Bash",
    "BashOutput",
    "KillBash",
    "Shell",
    "ShellCommand",
    "RunShellCommand",
    "ExecCommand",
    "WriteStdin",
    "Read",
    "ReadFile",
    "ReadManyFiles",
    "Write",
    "WriteFile",
    "Edit",
    "MultiEdit",
    "Replace",
    "ApplyPatch",
    "Glob",
    "Grep",
    "GrepFiles",
    "LS",
    "ListDir",
    "ListDirectory",
    "Task",
    "RunCode",
    "RunCodeWithTools",
  ].map(plainName),
);

export async function examineLetta(patient: Patient, signal: AbortSignal): Promise<LettaExamination> {
  const { config, letta } = patient;
  const tools = toolFindings(config.letta.toolAllowList);
  const agents: string[] = [];
  try {
    for await (const { id } of letta.listAgents(signal)) agents.push(id);
  } catch (thrown) {
    const { message, remedy } = failureOf(thrown);
    return { findings: [error("letta", message, remedy), ...tools] };
  }
  const count =
    agents.length === 0
      ? warning("letta", "it answers, but has no agents", "Create an agent in Letta; it is found by itself.")
      : ok("letta", `it answers, and has ${agents.length} ${agents.length === 1 ? "agent" : "agents"}`);
  return { findings: [count, ...(await modelFindings(patient, signal)), ...tools], agents };
}

async function modelFindings({ letta }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const check = "letta.models";
  if (letta.missingModels === undefined)
    return [unknown(check, "whether the agents' models exist cannot be told of this Letta")];
  try {
    const missing = await letta.missingModels(signal);
    if (missing.length === 0) return [ok(check, "it has the models of all agents")];
    return missing.map(({ name, model }) =>
      error(
        check,
        `it does not have the model ${model} of the agent ${name}`,
        "Connect the model's provider in Letta (`letta connect`), or give the agent another model there.",
      ),
    );
  } catch (thrown) {
    return [unknown(check, failureOf(thrown).message)];
  }
}

function toolFindings(allowed: readonly string[]): readonly Finding[] {
  const check = "letta.tool_allow_list";
  const exposed = allowed.filter((tool) => hostTools.has(plainName(tool)));
  if (exposed.length === 0) return [ok(check, "it names no tool known to act on Letta's machine")];
  return [
    warning(
      check,
      `whoever may write in an agent's room can use ${exposed.join(", ")} on the machine that Letta runs on`,
      "Take them out of letta.tool_allow_list, or invite only people who may do everything there.",
    ),
  ];
}

function plainName(tool: string): string {
  return tool.replaceAll(/[^A-Za-z]/g, "").toLowerCase();
}
