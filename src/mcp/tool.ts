import { z } from "zod";
import type { BoundCommand } from "../commands/command.ts";

/** The groups in which tools are offered: the two servers of the older system, and everything. */
export type Toolset = "all" | "matrix" | "agents";

/** How a command is offered to models. Each is defined once, whatever protocol and toolset it is offered by. */
export interface ToolDefinition {
  /** Snake case, verb first. */
  readonly name: string;
  readonly title: string;
  /** Whose name the command has. */
  readonly command: string;
  /** Besides `all`. */
  readonly toolset: Exclude<Toolset, "all">;
  /** What the tool's arguments are called, where that is not what the command calls them. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Fields of the command that a model has no use for: it is refused to give them. */
  readonly withheld?: readonly string[];
  /** What the command's fields are when the call does not say. */
  readonly defaults?: Readonly<Record<string, string | number>>;
  /** What is taken away cannot be brought back. */
  readonly destructive?: true;
  /** Calling it again with the same arguments changes nothing more. */
  readonly idempotent?: true;
  /** What comes back was written by others, if only a name. */
  readonly quotes?: true;
  /** What comes back is a file that others have made. */
  readonly file?: true;
  /** `agent` is the one that it is about, not the one that acts. */
  readonly about?: true;
}

/** A tool as it is listed. */
export interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ObjectSchema;
  readonly outputSchema?: ObjectSchema;
  readonly annotations: {
    readonly title: string;
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

const objectSchema = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), z.record(z.string(), z.json())).default({}),
  required: z.array(z.string()).exactOptional(),
});

export type ObjectSchema = z.output<typeof objectSchema>;

const args = z.record(z.string(), z.unknown());

/** A tool whose command is there. */
export class Tool {
  readonly definition: ToolDefinition;
  readonly command: BoundCommand;
  readonly listed: ListedTool;
  /** The command's field of each argument. */
  readonly #fields: ReadonlyMap<string, string>;

  constructor(definition: ToolDefinition, command: BoundCommand) {
    this.definition = definition;
    this.command = command;
    const { renamed = {}, withheld = [], defaults = {} } = definition;
    const input = withoutDialect(objectSchema.parse(z.toJSONSchema(command.input, { io: "input" })));
    const names = Object.entries(input.properties).filter(([field]) => !withheld.includes(field));
    const nameOf = (field: string): string => renamed[field] ?? field;
    this.#fields = new Map(names.map(([field]) => [nameOf(field), field]));
    const output = objectSchema.safeParse(z.toJSONSchema(command.output, { io: "output", unrepresentable: "any" }));
    const shown = output.success ? withoutBytes(withoutDialect(output.data), definition) : undefined;
    this.listed = {
      name: definition.name,
      title: definition.title,
      description: `${command.summary}\n${command.guidance}`,
      inputSchema: {
        ...input,
        properties: Object.fromEntries(
          names.map(([field, schema]) => {
            const { [field]: preset } = defaults;
            return [nameOf(field), preset === undefined ? schema : { ...schema, default: preset }];
          }),
        ),
        required: (input.required ?? []).filter((field) => !withheld.includes(field)).map(nameOf),
      },
      ...(shown !== undefined && { outputSchema: shown }),
      annotations: {
        title: definition.title,
        readOnlyHint: !command.changes,
        destructiveHint: definition.destructive === true,
        idempotentHint: definition.idempotent === true || !command.changes,
        openWorldHint: command.changes,
      },
    };
  }

  /** Whether the tool takes the agent that acts, or that looks. */
  get #isActedAs(): boolean {
    return [...this.#fields.values()].includes("agent") && this.definition.about !== true;
  }

  /**
   * The command's input, by the agent `acting` where the call names none. What neither the tool nor the command knows is
   * handed on, and refused by the command. Throws {@link Withheld}.
   */
  inputOf(given: unknown, acting: string | undefined): Record<string, unknown> {
    const { name: tool, withheld = [], defaults } = this.definition;
    const input: Record<string, unknown> = { ...defaults };
    for (const [name, value] of Object.entries(args.parse(given ?? {}))) {
      const field = this.#fields.get(name) ?? name;
      if (withheld.includes(field)) throw new Withheld(name, tool);
      input[field] = value;
    }
    return acting === undefined || !this.#isActedAs ? input : { agent: acting, ...input };
  }
}

function withoutDialect({ $schema: _, ...schema }: ObjectSchema): ObjectSchema {
  return schema;
}

/** A file is content of its own kind: nobody wants it as text, too. */
function withoutBytes({ properties, required = [], ...rest }: ObjectSchema, { file }: ToolDefinition): ObjectSchema {
  if (file !== true) return { ...rest, properties, ...(required.length > 0 && { required }) };
  const { base64: _, ...others } = properties;
  return { ...rest, properties: others, required: required.filter((field) => field !== "base64") };
}

/** The tool does not take it; nothing was done. */
class Withheld extends Error {
  override readonly name = "Withheld";
  readonly remedy = "Leave it out.";

  constructor(argument: string, tool: string) {
    super(`"${tool}" takes no argument "${argument}"`);
  }
}
