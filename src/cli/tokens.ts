import { type Command, InvalidArgumentError, Option } from "commander";
import { type Scope, scopes } from "../commands/access/principal.ts";
import { tokensCreate, tokensList, tokensRevoke } from "../commands/tokens/tokens.ts";
import { type OperatingEnvironment, type OperatorOptions, operatorCommands } from "./operator-commands.ts";
import { createdText, revokedText, tokensText } from "./tokens-text.ts";

export interface TokensEnvironment extends OperatingEnvironment {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

type CreateOptions = OperatorOptions & {
  readonly scope: readonly Scope[];
  readonly agent?: string;
  /** Milliseconds. */
  readonly expires?: number;
};

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Ten years, ms: whoever wants longer leaves it out. */
const longest = 3_650 * 86_400_000;

function lifetimeOf(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const ms = Number(amount) * (units[unit] ?? Number.NaN);
  if (ms > 0 && ms <= longest) return ms;
  throw new InvalidArgumentError("It must be a time up to ten years, such as 12h or 90d.");
}

/** Adds the commands by which an operator lets programs in, and shuts them out. */
export function addTokens(program: Command, environment: TokensEnvironment): void {
  const { terminal, now } = environment;
  const { add, call } = operatorCommands(environment);
  const tokens = program
    .command("token")
    .summary("let programs in, and shut them out")
    .description(
      "By a token a program shows who it is to the REST API and to MCP. What its holder may do are its scopes. The secret is shown once, when it is made; it is kept nowhere.",
    );
  const running = (name: string, summary: string, description: string, ...lines: readonly string[]) =>
    add(tokens, name, summary, description, ...lines);

  running(
    "create",
    "make one, and show it once",
    "Makes a token and prints it: keep it as you keep passwords. Give it the fewest scopes that its holder needs.",
    "letta-matrix token create dashboard --scope agents:read rooms:read",
    "letta-matrix token create scout-tools --agent Scout --scope messages:read messages:send --expires 90d",
  )
    .argument("<name>", "what it is for, as the list and the audit log show it")
    .addOption(new Option("-s, --scope <scope...>", "what its holder may do").choices(scopes).makeOptionMandatory())
    .option("-a, --agent <agent>", "the agent as which alone its holder acts: its name, its id in Letta or its user id")
    .addOption(
      new Option("-e, --expires <time>", "after which time it ends, such as 12h or 90d; never if left out").argParser(
        lifetimeOf,
      ),
    )
    .action((name: string, { scope, agent, expires, ...options }: CreateOptions) =>
      call(
        {
          command: tokensCreate,
          input: {
            name,
            scopes: [...new Set(scope)],
            ...(agent !== undefined && { agent }),
            ...(expires !== undefined && { expiresAt: now() + expires }),
          },
        },
        options,
        createdText,
      ),
    );

  running(
    "list",
    "list them",
    "Lists the tokens: what they are for, what their holders may do, and when they end. Their secrets are not known.",
    "letta-matrix token list",
    "letta-matrix token list --json | jq -r '.tokens[] | select(.expiresAt == null) | .id'",
  ).action((options: OperatorOptions) =>
    call({ command: tokensList }, options, (all) => tokensText(all, now(), terminal())),
  );

  running(
    "revoke",
    "end one at once",
    "Ends a token at once, with all that its holder has open.",
    "letta-matrix token revoke 3f9a1c0b7d24",
  )
    .argument("<id>", "which one, as `letta-matrix token list` has it")
    .action((id: string, options: OperatorOptions) =>
      call({ command: tokensRevoke, input: { id } }, options, revokedText),
    );
}
