import { z } from "zod";

/** One key of the configuration file. */
export interface Key {
  /** From the top of the file. */
  readonly path: readonly string[];
  readonly kind: "section" | "text" | "number" | "list";
  readonly description?: string;
  /** As it stands in the file, without indentation. */
  readonly example?: string;
}

/** All keys of a schema, sections before what is in them. */
export function keysOf(schema: z.ZodType, path: readonly string[] = []): readonly Key[] {
  const layers = unwrapped(schema);
  const core = layers.at(-1);
  const meta = layers.map((layer) => layer.meta()).find((found) => found !== undefined);
  const kind = kindOf(core);
  const own: Key = {
    path,
    kind,
    ...(typeof meta?.description === "string" && { description: meta.description }),
    ...(typeof meta?.["example"] === "string" && { example: meta["example"] }),
  };
  if (!(core instanceof z.ZodObject)) return [own];
  const inner = Object.entries(core.shape).flatMap(([name, child]) =>
    child instanceof z.ZodType ? keysOf(child, [...path, name]) : [],
  );
  return path.length === 0 ? inner : [own, ...inner];
}

function kindOf(core: z.ZodType | undefined): Key["kind"] {
  if (core instanceof z.ZodObject) return "section";
  if (core instanceof z.ZodArray) return "list";
  return core instanceof z.ZodNumber ? "number" : "text";
}

/** The schema and what it wraps, from outside to inside. */
function unwrapped(schema: z.ZodType): readonly z.ZodType[] {
  const inner = innerOf(schema);
  return inner instanceof z.ZodType ? [schema, ...unwrapped(inner)] : [schema];
}

function innerOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return schema.unwrap();
  return schema instanceof z.ZodPipe ? schema.in : undefined;
}
