import { Argument, Command, CommanderError, Option } from "commander";
import { chartFormats, chartNames } from "../commands/chart/render.ts";
import { type AdoptEnvironment, type AdoptOptions, adopt } from "./adopt/adopt.ts";
import { type ChartOptions, showChart } from "./chart.ts";
import type { Console } from "./console.ts";
import { type DiscoveryOptions, runDiscovery } from "./discovery.ts";
import { type DoctorEnvironment, type DoctorOptions, doctor } from "./doctor.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { type RunEnvironment, run } from "./run.ts";
import { type StatusOptions, showStatus } from "./status.ts";

export interface CliEnvironment {
  readonly version: string;
  readonly console: Console;
  readonly env: RunEnvironment["env"];
  /** What only `run` needs. */
  readonly running: Omit<RunEnvironment, "console" | "env">;
  /** What only `doctor` needs. */
  readonly examining: Omit<DoctorEnvironment, "console" | "env">;
  /** What only `adopt` needs. */
  readonly adopting: Omit<AdoptEnvironment, "console" | "env">;
}

const defaultConfig = "letta-matrix.yaml";

const examples = `
Examples:
  letta-matrix run --config /etc/letta-matrix.yaml   run until SIGTERM
  letta-matrix status                                what runs, and what it waits for
  letta-matrix doctor                                what is wrong, and what to do about it
  letta-matrix discovery run                         look for new agents now
  letta-matrix adopt --mapping agent_user_mappings.json --dry-run
  letta-matrix chart conversation --format svg --out conversation.svg

Start by copying config/letta-matrix.yaml from the package: it explains each key.

Exit status: 0 done, 1 failed, 64 wrong usage, 69 nothing runs, 78 wrong configuration.
`;

/** Carries out a command line, without the program's own name. */
export async function runCli(args: readonly string[], environment: CliEnvironment): Promise<ExitCode> {
  const { console, env } = environment;
  let code: ExitCode = exitCode.ok;
  const program = new Command("letta-matrix")
    .description(
      "Puts every Letta agent on Matrix: each with its own user, its own room, and an answer to each message.",
    )
    .version(environment.version, "-v, --version", "print the version")
    .helpOption("-h, --help", "explain a command")
    .helpCommand("help [command]", "explain a command")
    .addHelpText("after", examples)
    .showHelpAfterError("(letta-matrix --help explains the commands)")
    .configureOutput({ writeOut: (text) => console.out(text), writeErr: (text) => console.err(text) })
    .exitOverride();

  const config = () =>
    new Option("-c, --config <file>", "the configuration").env("LETTA_MATRIX_CONFIG").default(defaultConfig);

  program
    .command("run")
    .summary("run until told to stop")
    .description(
      "Runs until SIGTERM or SIGINT, then stops gracefully; a second signal ends it at once. What was under way goes on after the next start. SIGHUP makes it read its configuration again, unless it runs in a terminal: docs/configuration.md says which keys that can change. Log lines go to standard output as JSON.",
    )
    .addOption(config())
    .action(async (options: { config: string }) => {
      code = await run(options.config, { console, env, ...environment.running });
    });

  program
    .command("status")
    .summary("show what runs, and what it waits for")
    .description(
      "Asks the running process over the control socket in its data folder, as the user who runs it: agents and conversations with their states, what they wait for, and what has crashed.",
    )
    .addOption(config())
    .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
    .option("--json", "print JSON")
    .action(async (options: StatusOptions) => {
      code = await showStatus(options, console, env);
    });

  program
    .command("doctor")
    .summary("find out what is wrong, and what to do about it")
    .description(
      "Checks the configuration, the homeserver, Letta and the data folder, and what the running process waits for, if one runs; says for each what to do. Changes nothing, so that it may be run at any time, before the first start too. Exit status: 0 when nothing is wrong or there are only warnings, 1 when there are errors, 78 when the configuration cannot be used.",
    )
    .addOption(config())
    .option("--json", "print JSON")
    .action(async (options: DoctorOptions) => {
      code = await doctor(options, { console, env, ...environment.examining });
    });

  program
    .command("adopt")
    .summary("take over users and rooms from another system")
    .description(
      "Takes over each agent's Matrix user, with the password that it has, and its room: from a JSON file with agent_id, agent_name, matrix_user_id, matrix_password, room_id and room_created for each agent. Stop the other system first. What was said before is left to it; what is said from then on is answered here. Safe to repeat.",
    )
    .addOption(config())
    .requiredOption("-m, --mapping <file>", "the other system's mapping")
    .option("--dry-run", "say what it would do, and change nothing")
    .action(async (options: AdoptOptions) => {
      code = await adopt(options, { console, env, ...environment.adopting });
    });

  program
    .command("discovery")
    .summary("find Letta's agents")
    .description("Letta's agents, as the running process finds them.")
    .command("run")
    .summary("list them now")
    .description(
      "Lets the running process list Letta's agents now instead of at its next interval, and tells how many are new, renamed, back or missing. What follows from that takes its time: `letta-matrix status` shows it.",
    )
    .addOption(config())
    .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
    .option("--json", "print JSON")
    .action(async (options: DiscoveryOptions) => {
      code = await runDiscovery(options, console, env);
    });

  program
    .command("chart")
    .summary("draw the statechart of an actor")
    .description(
      "Draws a statechart as this version runs it. Mermaid can be pasted into Markdown; SVG stands by itself; JSON is for programs.",
    )
    .addArgument(new Argument("<name>", "which actor").choices(chartNames))
    .addOption(new Option("-f, --format <format>", "how to draw it").choices(chartFormats).default("mermaid"))
    .option("-o, --out <file>", "where to write it, instead of the terminal")
    .action(async (name: string, options: ChartOptions) => {
      code = await showChart(name, options, console);
    });

  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
  return code;
}
