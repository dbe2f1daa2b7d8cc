import type { Command } from "commander";

/** What can stand where on the command line, as completions are made from it. */
export interface Place {
  /** The commands that lead there: `["discovery", "run"]`; empty for the program itself. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Commands and fixed arguments that can come next. */
  readonly words: readonly { readonly word: string; readonly summary: string }[];
  readonly options: readonly {
    /** `-c`, `--config` */
    readonly flags: readonly string[];
    readonly summary: string;
    /** Whether a value has to follow, as a word of its own. */
    readonly takesValue: boolean;
    readonly choices: readonly string[];
  }[];
}

export function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const { commands, options } = command;
  const here: Place = {
    path,
    summary: command.summary(),
    words: [
      ...commands.map((one) => ({ word: one.name(), summary: one.summary() })),
      ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
        argChoices.map((word) => ({ word, summary: description })),
      ),
    ],
    options: [
      ...options.map((option) => ({
        flags: [option.short, option.long].filter((flag) => flag !== undefined),
        summary: option.description,
        takesValue: option.required,
        choices: option.argChoices ?? [],
      })),
      { flags: ["-h", "--help"], summary: "explain this", takesValue: false, choices: [] },
    ],
  };
  return [here, ...commands.flatMap((one) => placesOf(one, [...path, one.name()]))];
}
