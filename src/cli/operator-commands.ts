import type { Command, Option } from "commander";
import type { Environment } from "../config/environment.ts";
import { callRunning, type RunningOptions } from "./call-running.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit-code.ts";
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

export type OperatorOptions = RunningOptions & { readonly json?: boolean | undefined };

const timeoutMs = 10_000;

/** What the commands have in common by which an operator has the running process do something. */
export function operatorCommands({ console, env, config, examplesOf, ended }: OperatingEnvironment) {
  return {
    /** Adds one. */
    add: (parent: Command, name: string, summary: string, description: string, ...lines: readonly string[]): Command =>
      parent
        .command(name)
        .summary(summary)
        .description(`${description} Asks the running process over the control socket, as the user who runs it.`)
        .addOption(config())
        .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
        .option("--json", "print JSON")
        .addHelpText("after", examplesOf(...lines)),

    /** Carries one out. */
    async call<TOutput>(
      called: Partial<Parameters<typeof callRunning<TOutput>>[0]> &
        Omit<Parameters<typeof callRunning<TOutput>>[0], "timeoutMs">,
      options: OperatorOptions,
      textOf: (output: TOutput) => string,
      /** What is done with it before it is said. */
      keep?: (output: TOutput) => Promise<void>,
    ): Promise<void> {
      const print = async (output: TOutput): Promise<string> => {
        await keep?.(output);
        return options.json === true ? `${JSON.stringify(output, null, 2)}\n` : textOf(output);
      };
      ended(await callRunning({ timeoutMs, ...called }, options, console, env, print));
    },
  };
}
