import { z } from "zod";
import { Refused } from "../problem.ts";

/** What a request holds, by where it stands. */
export interface Given {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const fields = z.record(z.string(), z.unknown());
const types = z.object({
  properties: z.record(z.string(), z.looseObject({ type: z.string().optional() }).or(z.boolean())).default({}),
});

/** Makes a command's input of a request: what comes in the query is text, whatever the command takes. */
export class InputReader {
  readonly #typeOf: ReadonlyMap<string, string | undefined>;
  readonly #defaults: Readonly<Record<string, unknown>>;

  constructor(input: z.ZodType, defaults: Readonly<Record<string, unknown>> = {}) {
    const { properties } = types.parse(z.toJSONSchema(input, { io: "input", unrepresentable: "any" }));
    this.#typeOf = new Map(
      Object.entries(properties).map(([name, schema]) => [name, typeof schema === "object" ? schema.type : undefined]),
    );
    this.#defaults = Object.fromEntries(Object.entries(defaults).filter(([name]) => this.#typeOf.has(name)));
  }

  /** Throws {@link Refused}. What the command takes is for itself to check. */
  read({ params, query, body }: Given): Record<string, unknown> {
    const inPath = fields.parse(params ?? {});
    const inQuery = fields.parse(query ?? {});
    const parsed = fields.safeParse(body ?? {});
    if (!parsed.success) throw new Refused(400, "The body is no JSON object.", "Send an object with the fields.");
    const all: Record<string, unknown> = { ...this.#defaults };
    for (const [name, value] of Object.entries(inQuery)) all[name] = this.#valueOf(name, value);
    for (const [name, value] of Object.entries(parsed.data)) all[name] = value;
    for (const [name, value] of Object.entries(inPath)) {
      if (name in inQuery || name in parsed.data)
        throw new Refused(400, `${name} is given twice.`, "Leave it out: the path has it already.");
      all[name] = value;
    }
    return all;
  }

  #valueOf(name: string, value: unknown): unknown {
    const type = this.#typeOf.get(name);
    if (typeof value !== "string") return value;
    if (type === "boolean") return value === "true" ? true : value === "false" ? false : value;
    if (type === "array") return value.split(",");
    const isNumber = (type === "integer" || type === "number") && value.trim() !== "";
    return isNumber && Number.isFinite(Number(value)) ? Number(value) : value;
  }
}
