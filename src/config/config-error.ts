/** One thing that is wrong with the configuration. Never holds a configured value: it might be a secret. */
export interface ConfigProblem {
  /** The key, as `section.key`, or the environment variable that was read instead of it. */
  readonly key: string;
  readonly message: string;
  /** A line that would be right. */
  readonly example?: string;
}

/** The configuration cannot be used. Lists all that is wrong with it, not only the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly path: string;
  readonly problems: readonly ConfigProblem[];
  readonly remedy: string;

  constructor(path: string, problems: readonly ConfigProblem[], remedy?: string) {
    super([`${path} cannot be used:`, ...problems.map(describe)].join("\n"));
    this.path = path;
    this.problems = problems;
    this.remedy = remedy ?? "Correct it and start again; config/letta-matrix.yaml in the package explains each key.";
  }
}

function describe({ key, message, example }: ConfigProblem): string {
  const line = key === "" ? `  ${message}` : `  ${key} ${message}`;
  return example === undefined ? line : `${line}\n    for example: ${example}`;
}
