import type { z } from "zod";
import type { Adoption } from "../actors/adoption/adoption.ts";
import type { Sessions } from "../actors/sessions.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Host } from "../runtime/host.ts";
import type { Storage } from "../runtime/storage.ts";
import type { ChildStatus } from "../runtime/supervisor.ts";
import { type About, type AuditLog, aboutOf } from "./access/audit-log.ts";
import type { Principal, Scope } from "./access/principal.ts";
import { CallRefused } from "./access/refused.ts";
import type { Tokens } from "./access/tokens.ts";
import type { AnswerWatch } from "./agents/answer-watch.ts";
import type { TalkOptions } from "./agents/hops.ts";
import type { Waits } from "./agents/waits.ts";
import { isDoneAsAgent } from "./messages/speaker.ts";
import type { TransportStatus } from "./status/schema.ts";

/** What commands work on; the same for all callers. */
export interface CommandContext {
  readonly host: Pick<
    Host,
    | "list"
    | "read"
    | "journal"
    | "crashes"
    | "health"
    | "quarantined"
    | "release"
    | "restart"
    | "deadLetters"
    | "accept"
    | "ask"
  >;
  readonly clock: Pick<Clock, "now">;
  readonly adoption: Pick<Adoption, "adopt">;
  readonly storage: Storage;
  /** The logins of our own users. */
  readonly sessions: Pick<Sessions, "as">;
  readonly botUserId: string;
  readonly waits: Pick<Waits, "begin">;
  readonly talk: TalkOptions;
  readonly answers: Pick<AnswerWatch, "wait">;
  readonly tokens: Pick<Tokens, "create" | "list" | "revoke">;
  readonly audit: Pick<AuditLog, "record" | "page">;
  /** Of a process that runs. */
  readonly transport?: () => TransportStatus;
  /** Of a process that runs: its parts. */
  readonly supervision?: () => readonly ChildStatus[];
  /** Of this program. */
  readonly version: string;
  /** The homeserver's name: the realm of all actors. */
  readonly server: string;
}

/** What changes from call to call. */
export interface Call {
  readonly principal: Principal;
  /** Names this call in the audit log, in answers and in log lines. */
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Of an agent that calls while it answers something: Letta's conversation, where that is known. */
  readonly conversationId?: string;
  /** Tells whoever waits how far it is; left out where nobody is told. */
  progress?(message: string): void;
  /** Is told at once what comes of it, before it is over; left out where nobody listens. */
  news?(news: News): void;
}

/** What has come of a call so far. */
export interface News {
  /** `message`: it was said. `draft`: the answer so far. `answer`: the answer. */
  readonly event: "message" | "draft" | "answer";
  readonly data: object;
}

/**
 * One thing that can be asked of the running system, defined once: REST routes, MCP tools, agents' own tools and CLI
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
  /** For a model that chooses among tools: what it is for, when to take another one instead, what comes back. */
  readonly guidance: string;
  readonly scope: Scope;
  /** Whether it changes anything: then each call is audited. */
  readonly changes: boolean;
  readonly input: TInput;
  readonly output: TOutput;
  run(input: z.output<TInput>, context: Pick<CommandContext, TNeeds>, call: Call): Promise<z.output<TOutput>>;
}

/** A command whose input has been checked by its own schema. */
export interface BoundCommand {
  readonly name: string;
  readonly summary: string;
  readonly guidance: string;
  readonly scope: Scope;
  readonly changes: boolean;
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
  const { name, summary, guidance, scope, changes, input, output } = command;
  const run = async (given: unknown, call: Call) => {
    if (!call.principal.scopes.has(scope)) throw new NotAllowed(name, scope);
    const parsed = input.safeParse(given);
    if (!parsed.success) throw new InvalidInput(name, parsed.error);
    return command.run(parsed.data, context, call);
  };
  return {
    name,
    summary,
    guidance,
    scope,
    changes,
    input,
    output,
    async execute(given, call) {
      if (!changes) return run(given, call);
      const about = aboutOf(given, isDoneAsAgent(input) ? "as" : "target");
      return audited(context.audit, call, { command: name, ...about }, () => run(given, call));
    },
  };
}

/**
 * Does it, and writes down how it ended. What the caller is told is how it ended, whether or not that could be written
 * down: whoever is told that it failed does it again.
 */
export async function audited<T>(
  audit: Pick<AuditLog, "record">,
  call: Pick<Call, "principal" | "requestId">,
  about: { readonly command: string } & About,
  work: () => Promise<T>,
): Promise<T> {
  const result = await work().catch(async (error: unknown) => {
    const outcome = error instanceof CallRefused ? "refused" : "failed";
    await audit.record(call, { ...about, outcome, error: error instanceof Error ? error.name : typeof error });
    throw error;
  });
  await audit.record(call, { ...about, outcome: "done" });
  return result;
}

/** The caller lacks the scope; nothing was done. */
export class NotAllowed extends CallRefused {
  override readonly name = "NotAllowed";
  readonly remedy: string;

  constructor(command: string, scope: Scope) {
    super(`"${command}" needs the scope ${scope}`);
    this.remedy = `Use a token with the scope ${scope}.`;
  }
}

/** The input is not what the command takes; nothing was done. */
export class InvalidInput extends CallRefused {
  override readonly name = "InvalidInput";
  readonly remedy = "Correct the input and call again.";

  constructor(command: string, error: z.ZodError) {
    const problems = error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    );
    super(`"${command}" cannot take this input: ${problems.join("; ")}`, { cause: error });
  }
}
