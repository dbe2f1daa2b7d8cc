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

/** Agents that are named for each tool; there may be thousands. */
const mostNamed = 3;

export async function examineLetta(patient: Patient, signal: AbortSignal): Promise<LettaExamination> {
  const { config, letta } = patient;
  const tools = toolFindings(config.letta);
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
  return {
    findings: [count, ...(await modelFindings(patient, signal)), ...(await ungatedFindings(patient, signal)), ...tools],
    agents,
  };
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
        "Connect the model's provider in Letta (on an App Server with `letta connect`), or give the agent another model there.",
      ),
    );
  } catch (thrown) {
    return [unknown(check, failureOf(thrown).message)];
  }
}

async function ungatedFindings({ letta, config }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const check = "letta.tools";
  if (letta.ungatedTools === undefined) return [];
  try {
    const agentsByTool = new Map<string, string[]>();
    // Ours do what the agent's own user may do in Matrix, and the operator has wanted them.
    const { attachTools, matrixTools } = config.letta;
    const ours = new Set(attachTools === true ? matrixTools : []);
    for (const { name, tools } of await letta.ungatedTools(signal))
      for (const tool of tools.filter((one) => !ours.has(one)))
        agentsByTool.set(tool, [...(agentsByTool.get(tool) ?? []), name]);
    if (agentsByTool.size === 0) return [ok(check, "all that agents do outside of Letta needs approval")];
    const exposed = [...agentsByTool].map(([tool, agents]) => `${tool} (${abridged(agents)})`).join(", ");
    return [
      warning(
        check,
        `whoever may write in an agent's room can have it use these tools, which Letta runs without asking: ${exposed}`,
        "In Letta, have those need approval that can do harm; then letta.tool_ask_list and letta.tool_allow_list decide.",
      ),
    ];
  } catch (thrown) {
    return [unknown(check, failureOf(thrown).message)];
  }
}

function abridged(agents: readonly string[]): string {
  const more = agents.length - mostNamed;
  return more > 0 ? `${agents.slice(0, mostNamed).join(", ")} and ${more} more` : agents.join(", ");
}

function toolFindings({ toolAllowList, toolAskList }: Patient["config"]["letta"]): readonly Finding[] {
  const check = "letta.tool_allow_list";
  // Who is on both is asked about.
  const asked = new Set(toolAskList);
  const exposed = toolAllowList.filter((tool) => hostTools.has(plainName(tool)) && !asked.has(tool));
  const found =
    exposed.length === 0
      ? ok(check, "it names no tool known to act on Letta's machine")
      : warning(
          check,
          `whoever may write in an agent's room can use ${exposed.join(", ")} on the machine that Letta runs on`,
          "Take them out of letta.tool_allow_list, or invite only people who may do everything there.",
        );
  return [found, ...askFindings(toolAskList)];
}

function askFindings(toolAskList: readonly string[]): readonly Finding[] {
  const exposed = toolAskList.filter((tool) => hostTools.has(plainName(tool)));
  if (exposed.length === 0) return [];
  return [
    warning(
      "letta.tool_ask_list",
      `whoever may approve can let an agent use ${exposed.join(", ")} on the machine that Letta runs on`,
      "Say in commands.people who may approve, and have them read each request; or take the tools out of the list.",
    ),
  ];
}

function plainName(tool: string): string {
  return tool.replaceAll(/[^A-Za-z]/g, "").toLowerCase();
}
