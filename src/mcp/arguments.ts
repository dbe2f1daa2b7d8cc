import type { z } from "zod";
import { CallRefused } from "../commands/access/refused.ts";

/** What is wrong with the arguments of a call, by the names that a model has for them. */

/** The tool does not take them; nothing was done. */
export class UnknownArguments extends CallRefused {
  override readonly name = "UnknownArguments";
  readonly remedy: string;

  constructor(tool: string, unknown: readonly string[], known: readonly string[]) {
    super(`"${tool}" takes no argument ${unknown.map((name) => `"${name.slice(0, 100)}"`).join(", ")}`);
    this.remedy = known.length === 0 ? "Leave it out: there are none." : `Its arguments are: ${known.join(", ")}.`;
  }
}

/** They are not what the tool takes; nothing was done. */
export class WrongArguments extends CallRefused {
  override readonly name = "WrongArguments";
  readonly remedy = "Correct them and call again.";

  constructor(tool: string, { issues }: z.ZodError, nameOf: (field: string) => string) {
    const problems = issues.map(({ path: [field, ...rest], message }) =>
      field === undefined ? message : `${[nameOf(String(field)), ...rest].join(".")}: ${message}`,
    );
    super(`"${tool}" cannot take these arguments: ${problems.join("; ")}`);
  }
}
