import { z } from "zod";
import type { BoundCommand, Call } from "../commands/command.ts";
import { UnknownArguments, WrongArguments } from "./arguments.ts";
import { markSchemas } from "./marks.ts";
import type { Wording } from "./wording.ts";

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

const args = z.record(z.string(), z.unknown(), "must be an object");

type Translate = Parameters<typeof z.toJSONSchema>[1];

/** A tool whose command is there. */
export class Tool {
  readonly definition: ToolDefinition;
  readonly command: BoundCommand;
  readonly listed: ListedTool;
  /** The command's field of each argument. */
  readonly #fields: ReadonlyMap<string, string>;

  constructor(definition: ToolDefinition, command: BoundCommand, inToolNames: Wording) {
    this.definition = definition;
    this.command = command;
    const { withheld = [], defaults = {} } = definition;
    const schemaOf = (schema: z.ZodType, how: Translate) =>
      objectSchema.safeParse(
        z.toJSONSchema(schema, {
          ...how,
          override({ jsonSchema }) {
            if (jsonSchema.description !== undefined) jsonSchema.description = inToolNames(jsonSchema.description);
          },
        }),
      );
    const input = withoutDialect(objectSchema.parse(schemaOf(command.input, { io: "input" }).data));
    const names = Object.entries(input.properties).filter(([field]) => !withheld.includes(field));
    const nameOf = (field: string): string => this.#nameOf(field);
    this.#fields = new Map(names.map(([field]) => [nameOf(field), field]));
    const { data: output } = schemaOf(command.output, { io: "output", unrepresentable: "any" });
    const shown = output && marked(withoutBytes(withoutDialect(output), definition), definition);
    this.listed = {
      name: definition.name,
      title: definition.title,
      description: inToolNames(`${command.summary}\n${command.guidance}`),
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

  /** The argument that says which agent acts, or looks; none where that makes no difference. */
  get actor(): string | undefined {
    if (this.definition.about === true) return undefined;
    return [...this.#fields].find(([, field]) => field === "agent")?.[0];
  }

  /**
   * Does it, by the agent `acting` where the call names none. Throws {@link UnknownArguments}, {@link WrongArguments}, and
   * what the command throws.
   */
  async run(given: unknown, call: Call, acting?: string): Promise<unknown> {
    const input = this.inputOf(given, acting);
    try {
      return await this.command.execute(input, call);
    } catch (error) {
      // Looked at only now: whichever process refuses a call has written that down.
      const { error: wrong } = this.command.input.safeParse(input);
      throw wrong === undefined ? error : this.#wrong(wrong);
    }
  }

  /** The command's input. An argument that is not listed is none of the command's either, whatever that calls its fields. */
  inputOf(given: unknown, acting: string | undefined): Record<string, unknown> {
    const { data: named, error } = args.safeParse(given ?? {});
    if (named === undefined) throw this.#wrong(error);
    const unknown = Object.keys(named).filter((name) => !this.#fields.has(name));
    if (unknown.length > 0) throw new UnknownArguments(this.definition.name, unknown, [...this.#fields.keys()]);
    const input: Record<string, unknown> = { ...this.definition.defaults };
    for (const [name, field] of this.#fields) if (name in named) input[field] = named[name];
    return acting === undefined || this.actor === undefined ? input : { agent: acting, ...input };
  }

  #nameOf(field: string): string {
    return this.definition.renamed?.[field] ?? field;
  }

  #wrong(error: z.ZodError): WrongArguments {
    return new WrongArguments(this.definition.name, error, (field) => this.#nameOf(field));
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

/** What others have written is given with a mark, which is no part of what the command gives. */
function marked(schema: ObjectSchema, { quotes }: ToolDefinition): ObjectSchema {
  return quotes === true ? { ...schema, properties: { ...markSchemas, ...schema.properties } } : schema;
}
