import { Argument, type Command, type Option } from "commander";
import { deadLettersDrop, deadLettersQuery, deadLettersReplay } from "../commands/supervision/dead-letters.ts";
import { releaseCommand } from "../commands/supervision/release.ts";
import type { Environment } from "../config/environment.ts";
import { callRunning, type RunningOptions } from "./call-running.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit-code.ts";
import { lettersText, letterText, releasedText } from "./supervision-text.ts";
import type { Terminal } from "./terminal.ts";

export interface OperatingEnvironment {
  readonly console: Console;
  readonly env: Environment;
  readonly terminal: () => Terminal;
  readonly config: () => Option;
  readonly examplesOf: (...lines: readonly string[]) => string;
  /** Called with how a command has ended. */
  readonly ended: (code: ExitCode) => void;
}

type Options = RunningOptions & { readonly json?: boolean | undefined };

const timeoutMs = 10_000;

/** Adds the commands by which an operator decides about what actors could not bear. */
export function addOperating(program: Command, environment: OperatingEnvironment): void {
  const { console, env, terminal, config, examplesOf, ended } = environment;
  const running = (parent: Command, name: string, summary: string, description: string, ...lines: readonly string[]) =>
    parent
      .command(name)
      .summary(summary)
      .description(`${description} Asks the running process over the control socket, as the user who runs it.`)
      .addOption(config())
      .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
      .option("--json", "print JSON")
      .addHelpText("after", examplesOf(...lines));
  const call = async <TOutput>(
    called: Omit<Parameters<typeof callRunning<TOutput>>[0], "timeoutMs">,
    options: Options,
    textOf: (output: TOutput) => string,
  ): Promise<void> => {
    const print = (output: TOutput): string =>
      options.json === true ? `${JSON.stringify(output, null, 2)}\n` : textOf(output);
    ended(await callRunning({ ...called, timeoutMs }, options, console, env, print));
  };

  running(
    program,
    "release",
    "let an agent out of quarantine",
    "Lets an agent and its conversations, or any other actor, out of quarantine: it tries again what it could not bear, takes what was kept for it, and may crash as often as before.",
    "letta-matrix release Scout",
    "letta-matrix release example.org/space/agents",
  )
    .argument(
      "<actor>",
      "an agent's name, its id in Letta or its user id; or the actor as `letta-matrix status` has it",
    )
    .action((actor: string, options: Options) =>
      call({ command: releaseCommand, input: { actor } }, options, releasedText),
    );

  const letters = program
    .command("dead-letters")
    .summary("decide about what actors could not bear")
    .description(
      "What crashed its actor three times, and what could not be done for a day. It is kept until it is replayed or dropped. What people wrote is never shown.",
    );
  const id = () => new Argument("<id>", "which one, as `letta-matrix dead-letters list` has it");

  running(
    letters,
    "list",
    "list them",
    "Lists the dead letters: of which actor and type, since when, and why. `letta-matrix agent` shows the crash.",
    "letta-matrix dead-letters list",
    "letta-matrix dead-letters list --json | jq -r '.letters[].id'",
  ).action((options: Options) => call({ command: deadLettersQuery }, options, (all) => lettersText(all, terminal())));

  running(
    letters,
    "replay",
    "give one to its actor once more",
    "Gives an event to its actor once more, as if it had just come, or has an action done once more; a question of a person's is asked, and answered below the plain error that it got.",
    "letta-matrix dead-letters replay 1764130000000-17",
  )
    .addArgument(id())
    .action((letter: string, options: Options) =>
      call({ command: deadLettersReplay, input: { id: letter } }, options, (one) => letterText("replayed", one)),
    );

  running(
    letters,
    "drop",
    "forget one",
    "Forgets a dead letter for good, with what stands in it. The log keeps the reason.",
    "letta-matrix dead-letters drop 1764130000000-17 --reason 'spam'",
  )
    .addArgument(id())
    .requiredOption("-r, --reason <text>", "why, for the log")
    .action((letter: string, options: Options & { readonly reason: string }) =>
      call({ command: deadLettersDrop, input: { id: letter, reason: options.reason } }, options, (one) =>
        letterText("dropped", one),
      ),
    );
}
