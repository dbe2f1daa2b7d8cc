import type { z } from "zod";
import type { Adoption } from "../actors/adoption/adoption.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Host } from "../runtime/host.ts";
import type { Storage } from "../runtime/storage.ts";
import type { TransportStatus } from "./status/schema.ts";

/** What a caller may do. A command names the one it needs. */
export type Scope = "actors:read" | "actors:write" | "agents:write" | "discovery:run" | "store:backup";

/** Whoever calls, and what it may do. */
export interface Principal {
  /** For the audit log. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** What commands work on; the same for all callers. */
export interface CommandContext {
  readonly host: Pick<
    Host,
    "list" | "read" | "journal" | "crashes" | "health" | "quarantined" | "release" | "deadLetters" | "accept" | "ask"
  >;
  readonly clock: Pick<Clock, "now">;
  readonly adoption: Pick<Adoption, "adopt">;
  readonly storage: Storage;
  /** Of a process that runs. */
  readonly transport?: () => TransportStatus;
  /** The homeserver's name: the realm of all actors. */
  readonly server: string;
}

/** What changes from call to call. */
export interface Call {
  readonly principal: Principal;
  readonly signal: AbortSignal;
}

/**
 * One thing that can be asked of the running system, defined once: REST routes, MCP tools, console actions and CLI
 * subcommands are made from it.
 */
export interface Command<
  TInput extends z.ZodType = z.ZodType,
  TOutput extends z.ZodType = z.ZodType,
  /** What it works on. */
  TNeeds extends keyof CommandContext = keyof CommandContext,
> {
  /** Dotted lower-case words. */
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  readonly scope: Scope;
  readonly input: TInput;
  readonly output: TOutput;
  run(input: z.output<TInput>, context: Pick<CommandContext, TNeeds>, call: Call): Promise<z.output<TOutput>>;
}

/** A command whose input has been checked by its own schema. */
export interface BoundCommand {
  readonly name: string;
  readonly summary: string;
  readonly scope: Scope;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** Throws {@link NotAllowed} or {@link InvalidInput} before anything happens, else what the command throws. */
  execute(input: unknown, call: Call): Promise<unknown>;
}

/** Gives a command what it works on. */
export function bind<TInput extends z.ZodType, TOutput extends z.ZodType, TNeeds extends keyof CommandContext>(
  command: Command<TInput, TOutput, TNeeds>,
  context: CommandContext,
): BoundCommand {
  const { name, summary, scope, input, output } = command;
  return {
    name,
    summary,
    scope,
    input,
    output,
    async execute(given, call) {
      if (!call.principal.scopes.has(scope)) throw new NotAllowed(name, scope);
      const parsed = input.safeParse(given);
      if (!parsed.success) throw new InvalidInput(name, parsed.error);
      return command.run(parsed.data, context, call);
    },
  };
}

/** The caller lacks the scope; nothing was done. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
  readonly remedy: string;

  constructor(command: string, scope: Scope) {
    super(`"${command}" needs the scope ${scope}`);
    this.remedy = `Use a token with the scope ${scope}.`;
  }
}

/** The input is not what the command takes; nothing was done. */
export class InvalidInput extends Error {
  override readonly name = "InvalidInput";
  readonly remedy = "Correct the input and call again.";

  constructor(command: string, error: z.ZodError) {
    const problems = error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    );
    super(`"${command}" cannot take this input: ${problems.join("; ")}`, { cause: error });
  }
}
