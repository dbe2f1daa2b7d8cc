import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { chartFormats, chartNames } from "../commands/chart/render.ts";
import { registrable } from "../config/registration-text.ts";
import { type AdoptEnvironment, type AdoptOptions, adopt } from "./adopt/adopt.ts";
import { type ChartOptions, showChart } from "./chart.ts";
import { completionScript, type Shell, shells } from "./completion/completion.ts";
import { placesOf } from "./completion/grammar.ts";
import type { Console } from "./console.ts";
import { type DiscoveryOptions, runDiscovery } from "./discovery.ts";
import { type DoctorEnvironment, type DoctorOptions, doctor } from "./doctor.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { type InitEnvironment, type InitOptions, init } from "./init/init.ts";
import { addMcp, type ToolsEnvironment } from "./mcp.ts";
import { addMessages } from "./messages.ts";
import { addOperating } from "./operating.ts";
import { type Query, type QueryEnvironment, type QueryOptions, show } from "./query.ts";
import { type RegistrationOptions, writeRegistration } from "./registration.ts";
import { type RunEnvironment, run } from "./run.ts";
import { agentPage, agentsPage, roomsPage, statusPage } from "./status.ts";
import { addStoring, type StoringEnvironment } from "./storing.ts";
import { addTokens } from "./tokens.ts";

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
  /** What only `init` needs. */
  readonly asking: Omit<InitEnvironment, "console">;
  /** What only those need that show something. */
  readonly looking: Pick<QueryEnvironment, "terminal" | "openLastKnown" | "sleep">;
  /** What only `mcp` needs. */
  readonly tooling: ToolsEnvironment;
  /** What only those need that are about the store as a whole. */
  readonly storing: Pick<StoringEnvironment, "openIdleStorage">;
}

const defaultConfig = "letta-matrix.yaml";

const examples = `
Examples:
  letta-matrix init                                  write a first configuration
  letta-matrix run --config /etc/letta-matrix.yaml   run until SIGTERM
  letta-matrix doctor                                what is wrong, and what to do about it
  letta-matrix status --watch                        what runs, and what it waits for
  letta-matrix agent Scout                           one agent, closely
  letta-matrix discovery run                         look for new agents now
  letta-matrix pause Scout                           have an agent wait, until letta-matrix resume Scout
  letta-matrix messages send '!abc:example.org' hi   say something in a room
  letta-matrix release Scout                         let an agent out of quarantine
  letta-matrix token create dashboard -s agents:read let a program in
  letta-matrix backup /var/backups/letta-matrix      write everything that is known into one file
  letta-matrix adopt --mapping agent_user_mappings.json --dry-run
  letta-matrix chart conversation --format svg --out conversation.svg

Start with letta-matrix init; config/letta-matrix.yaml in the package explains each key.

Exit status: 0 done, 1 failed, 64 wrong usage, 69 nothing runs, 78 wrong configuration.
`;

function examplesOf(...lines: readonly string[]): string {
  return ["", "Examples:", ...lines.map((line) => `  ${line}`), ""].join("\n");
}

/** Milliseconds. */
function intervalOf(text: string): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(amount) * ({ ms: 1, s: 1_000, m: 60_000 }[unit] ?? Number.NaN);
  if (ms >= 100 && ms <= 86_400_000) return ms;
  throw new InvalidArgumentError("It must be a time between 100ms and a day, such as 5s.");
}

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
    .command("init")
    .summary("write a first configuration")
    .description(
      "Asks a few questions and writes a first configuration, readable for you only; what is given as an option is not asked. A file that exists is never replaced. Without a secret of the homeserver's it makes one, and says where to put it.",
    )
    .addOption(config())
    .option("--homeserver <url>", "where clients reach the homeserver")
    .option("--server-name <name>", "the part after the colon in its user ids")
    .option("--letta <url>", "where Letta's App Server listens, or Letta's REST API")
    .option("--invite <user...>", "who is invited to all agents")
    .addOption(
      new Option("--shared-secret-file <file>", "holds Synapse's registration_shared_secret").conflicts(
        "registrationTokenFile",
      ),
    )
    .option("--registration-token-file <file>", "holds a registration token, for other homeservers")
    .option("--admin-token-file <file>", "holds the access token of a Synapse administrator")
    .option("--letta-token-file <file>", "holds the App Server's token, or the REST API's key")
    .option("-d, --data <folder>", "where all state is kept")
    .option("-y, --yes", "ask nothing")
    .addHelpText(
      "after",
      examplesOf(
        "letta-matrix init",
        "letta-matrix init --yes --server-name example.org --invite @you:example.org",
        "letta-matrix init --yes --server-name example.org --shared-secret-file /run/secrets/synapse",
      ),
    )
    .action(async (options: InitOptions) => {
      code = await init(options, { console, ...environment.asking });
    });

  program
    .command("run")
    .summary("run until told to stop")
    .description(
      "Runs until SIGTERM or SIGINT, then stops gracefully; a second signal ends it at once. What was under way goes on after the next start. SIGHUP makes it read its configuration again, unless it runs in a terminal: docs/configuration.md says which keys that can change. Log lines go to standard output as JSON.",
    )
    .addOption(config())
    .addHelpText("after", examplesOf("letta-matrix run", "letta-matrix run --config /etc/letta-matrix.yaml"))
    .action(async (options: { config: string }) => {
      code = await run(options.config, { console, env, ...environment.running });
    });

  program
    .command("registration")
    .summary("write what makes it an application service")
    .description(
      "Writes a registration with new tokens, readable for you only, by which the homeserver knows letta-matrix as an application service: it then pushes what is said, and thousands of agents cost no polls. A file that exists is never replaced.",
    )
    .addOption(config())
    .addOption(new Option("--for <homeserver>", "what is to read it").choices(registrable).makeOptionMandatory())
    .option("--url <url>", "where the homeserver reaches letta-matrix, if not at homeserver.appservice.listen")
    .option("-o, --out <file>", "where to write it, if not to homeserver.appservice.registration_file")
    .addHelpText(
      "after",
      examplesOf(
        "letta-matrix registration --for synapse",
        "letta-matrix registration --for tuwunel --url http://letta-matrix:29331",
      ),
    )
    .action(async (options: RegistrationOptions) => {
      code = await writeRegistration(options, console, env);
    });

  const look = async <TOutput>(query: Query<TOutput>, options: QueryOptions): Promise<void> => {
    const { onStopRequest } = environment.running;
    code = await show(query, options, { console, env, onStopRequest, ...environment.looking });
  };
  const looking = (name: string, summary: string, description: string, ...lines: readonly string[]) =>
    program
      .command(name)
      .summary(summary)
      .description(`${description} Asks the running process over the control socket, as the user who runs it.`)
      .addOption(config())
      .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
      .option("--json", "print JSON: one document, or one line each time with --watch")
      .addOption(
        new Option("-w, --watch [interval]", "show it again and again, until Ctrl-C; every 2 s if not told otherwise")
          .preset("2s")
          .argParser(intervalOf),
      )
      .addOption(
        new Option(
          "--last-known",
          "when nothing runs, read what was last written down; a start of the program at that moment is refused",
        ).conflicts("watch"),
      )
      .addHelpText(
        "after",
        `${examplesOf(...lines)}\nExit status: 0 shown, or watched until Ctrl-C; 69 nothing runs, also when --last-known could tell of it; 1 it\ncannot be shown; 64 wrong usage; 78 wrong configuration.\n`,
      );

  looking(
    "status",
    "show what runs, and what it waits for",
    "Agents and conversations with their states, what they wait for, and what has crashed.",
    "letta-matrix status                      once",
    "letta-matrix status --watch 5s           again every five seconds",
    "letta-matrix status --json | jq '.agents | length'",
    "letta-matrix status --last-known         of a program that does not run",
  ).action((options: QueryOptions) => look(statusPage, options));

  looking(
    "agents",
    "list the agents",
    "All agents: their users, their rooms, the state of each region, and what they wait for.",
    "letta-matrix agents",
    "letta-matrix agents --json | jq -r '.agents[] | select(.wait) | .name'",
  ).action((options: QueryOptions) => look(agentsPage, options));

  looking(
    "agent",
    "show one agent closely",
    "One agent: the state of each region, its conversations and their queues, what goes wrong with it, its crashes and what led to the last one, its dead letters, and the last of its journal.",
    "letta-matrix agent Scout",
    "letta-matrix agent agent-7f3c2a10-5d5e-4c41-9c3f-6f1d0a8b9e21 --watch",
    "letta-matrix agent @agent_7f3c2a10:example.org --json",
  )
    .argument("<agent>", "its name, its id in Letta, or its user id")
    .action((agent: string, options: QueryOptions) => look(agentPage(agent), options));

  looking(
    "rooms",
    "list the rooms in which agents are asked",
    "All rooms in which agents are asked: their own ones, and those they were invited into, with the state of each conversation and its queue.",
    "letta-matrix rooms",
    "letta-matrix rooms --json | jq '[.rooms[].conversation.queued // 0] | add'",
  ).action((options: QueryOptions) => look(roomsPage, options));

  program
    .command("doctor")
    .summary("find out what is wrong, and what to do about it")
    .description(
      "Checks the configuration, the homeserver, Letta and the data folder, and what the running process waits for, if one runs; says for each what to do. Changes nothing, so that it may be run at any time, before the first start too. Exit status: 0 when nothing is wrong or there are only warnings, 1 when there are errors, 78 when the configuration cannot be used.",
    )
    .addOption(config())
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      examplesOf(
        "letta-matrix doctor",
        "letta-matrix doctor --config /etc/letta-matrix.yaml --json | jq '.findings[] | select(.severity == \"error\")'",
      ),
    )
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
    .addHelpText(
      "after",
      examplesOf(
        "letta-matrix adopt --mapping agent_user_mappings.json --dry-run",
        "letta-matrix adopt --mapping agent_user_mappings.json",
      ),
    )
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
    .addHelpText("after", examplesOf("letta-matrix discovery run", "letta-matrix discovery run --json"))
    .action(async (options: DiscoveryOptions) => {
      code = await runDiscovery(options, console, env);
    });

  const { terminal, openLastKnown } = environment.looking;
  const ended = (ending: ExitCode): void => {
    code = ending;
  };
  addMessages(program, { console, env, terminal, config, examplesOf, ended });
  addOperating(program, { console, env, terminal, config, examplesOf, ended });
  const { now } = environment.running;
  addMcp(program, { console, env, terminal, config, examplesOf, ended, ...environment.tooling });

  addTokens(program, { console, env, terminal, now, config, examplesOf, ended });
  const { openIdleStorage } = environment.storing;
  addStoring(program, { console, env, terminal, openLastKnown, openIdleStorage, now, config, examplesOf, ended });

  program
    .command("chart")
    .summary("draw the statechart of an actor")
    .description(
      "Draws a statechart as this version runs it. Mermaid can be pasted into Markdown; SVG stands by itself; JSON is for programs.",
    )
    .addArgument(new Argument("<name>", "which actor").choices(chartNames))
    .addOption(new Option("-f, --format <format>", "how to draw it").choices(chartFormats).default("mermaid"))
    .option("-o, --out <file>", "where to write it, instead of the terminal")
    .addHelpText(
      "after",
      examplesOf("letta-matrix chart agent", "letta-matrix chart conversation --format svg --out conversation.svg"),
    )
    .action(async (name: string, options: ChartOptions) => {
      code = await showChart(name, options, console);
    });

  program
    .command("completion")
    .summary("let your shell complete these commands")
    .description("Prints a script that lets your shell complete the commands and options of this version.")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText(
      "after",
      examplesOf(
        "source <(letta-matrix completion bash)                                    in ~/.bashrc",
        "source <(letta-matrix completion zsh)                                     in ~/.zshrc, after compinit",
        "letta-matrix completion fish > ~/.config/fish/completions/letta-matrix.fish",
      ),
    )
    .action((shell: Shell) => console.out(completionScript(shell, placesOf(program))));

  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
  return code;
}
