import type { Place } from "./grammar.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A script that lets the shell complete this version's command line. */
export function completionScript(shell: Shell, places: readonly Place[]): string {
  const lines = { bash, zsh, fish }[shell](places);
  return `${lines.join("\n")}\n`;
}

function bash(places: readonly Place[]): readonly string[] {
  return [
    "# bash completion for letta-matrix",
    "_letta_matrix() {",
    "  local place='' i",
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    ...walk("COMP_WORDS[i]", places),
    "  done",
    `  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}`,
    "  COMPREPLY=()",
    '  case "$place|$before" in',
    ...values(places, (choices) => `COMPREPLY=($(compgen -W ${quoted(choices.join(" "))} -- "$word"))`, ":"),
    "  esac",
    '  case "$place" in',
    ...places.map(
      (place) =>
        `    ${quoted(keyOf(place))}) COMPREPLY=($(compgen -W ${quoted(allWords(place).join(" "))} -- "$word")) ;;`,
    ),
    "  esac",
    "}",
    "# What is no word of ours is the name of a file.",
    "complete -o default -F _letta_matrix letta-matrix",
  ];
}

function zsh(places: readonly Place[]): readonly string[] {
  const described = ([word, summary]: readonly [string, string]): string =>
    quoted(`${word.replaceAll(":", "\\:")}:${summary}`);
  return [
    "#compdef letta-matrix",
    "_letta_matrix() {",
    "  local place='' i",
    "  local -a all",
    "  for ((i = 2; i < CURRENT; i++)); do",
    ...walk("words[i]", places),
    "  done",
    `  case "$place|\${words[CURRENT-1]}" in`,
    ...values(places, (choices) => `compadd -- ${choices.map(quoted).join(" ")}`, "_files"),
    "  esac",
    '  case "$place" in',
    ...places.map((place) => `    ${quoted(keyOf(place))}) all=(${withSummaries(place).map(described).join(" ")}) ;;`),
    "  esac",
    "  _describe 'letta-matrix' all",
    "}",
    `if [[ "\${funcstack[1]}" == _letta-matrix || "\${funcstack[1]}" == _letta_matrix ]]; then`,
    '  _letta_matrix "$@"',
    "else",
    "  compdef _letta_matrix letta-matrix",
    "fi",
  ];
}

function fish(places: readonly Place[]): readonly string[] {
  return [
    "# fish completion for letta-matrix",
    ...places.flatMap((place) => {
      const conditions = [
        place.path.length === 0 ? "__fish_use_subcommand" : "",
        ...place.path.map((word) => `__fish_seen_subcommand_from ${word}`),
        // A command within this one has options of its own.
        ...(place.path.length > 0 && place.words.length > 0
          ? [`not __fish_seen_subcommand_from ${place.words.map(({ word }) => word).join(" ")}`]
          : []),
      ].filter(Boolean);
      const start = `complete -c letta-matrix -n ${fishQuoted(conditions.join("; and "))}`;
      return [
        ...place.words.map(({ word, summary }) => `${start} -f -a ${word} -d ${fishQuoted(summary)}`),
        ...place.options.map(({ flags, summary, takesValue, choices }) => {
          const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
          const value = choices.length > 0 ? ` -x -a ${fishQuoted(choices.join(" "))}` : takesValue ? " -r" : "";
          return `${start} ${names.join(" ")}${value} -d ${fishQuoted(summary)}`;
        }),
      ];
    }),
  ];
}

/** Finds the place of the cursor: which commands stand before it. The value of an option is none of them. */
function walk(word: string, places: readonly Place[]): readonly string[] {
  const valued = new Set(places.flatMap(({ options }) => options.filter((one) => one.takesValue).flatMap(flagsOf)));
  const steps = places
    .filter(({ path }) => path.length > 0)
    .map(
      ({ path }) => `${quoted(`${path.slice(0, -1).join(" ")}|${path.at(-1)}`)}) place=${quoted(path.join(" "))} ;;`,
    );
  return [
    `    case "\${${word}}" in ${[...valued].join("|")}) ((i++)); continue ;; esac`,
    `    case "$place|\${${word}}" in`,
    ...steps.map((step) => `      ${step}`),
    "    esac",
  ];
}

/** What follows an option that takes a value. */
function values(
  places: readonly Place[],
  choose: (choices: readonly string[]) => string,
  otherwise: string,
): readonly string[] {
  return places.flatMap((place) =>
    place.options
      .filter(({ takesValue }) => takesValue)
      .map(({ flags, choices }) => {
        const patterns = flags.map((flag) => quoted(`${keyOf(place)}|${flag}`)).join("|");
        return `    ${patterns}) ${choices.length === 0 ? otherwise : choose(choices)}; return ;;`;
      }),
  );
}

function keyOf({ path }: Place): string {
  return path.join(" ");
}

function flagsOf({ flags }: Place["options"][number]): readonly string[] {
  return flags;
}

function withSummaries({ words, options }: Place): readonly (readonly [string, string])[] {
  return [
    ...words.map(({ word, summary }) => [word, summary] as const),
    ...options.flatMap(({ flags, summary }) => flags.map((flag) => [flag, summary] as const)),
  ];
}

function allWords(place: Place): readonly string[] {
  return withSummaries(place).map(([word]) => word);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
