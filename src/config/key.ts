import { z } from "zod";
import type { Reload } from "./reload.ts";

/** One key of the configuration file. */
export interface Key {
  /** From the top of the file. */
  readonly path: readonly string[];
  readonly kind: "section" | "text" | "number" | "list";
  readonly description?: string;
  /** As it stands in the file, without indentation. */
  readonly example?: string;
  /** As it would be written. */
  readonly default?: unknown;
  /** The example stands in the sample as it is, although the key may be left out. */
  readonly shown: boolean;
  /** What SIGHUP makes of a change; of sections, their keys say it. */
  readonly reload?: Reload;
}

const reload = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("live"), when: z.string() }),
  z.object({ kind: z.literal("restart"), why: z.string() }),
]) satisfies z.ZodType<Reload>;

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
    ...(kind !== "section" && defaultIn(layers)),
    shown: meta?.["shown"] === true,
    ...(meta?.["reload"] !== undefined && { reload: reload.parse(meta["reload"]) }),
  };
  if (!(core instanceof z.ZodObject)) return [own];
  const inner = Object.entries(core.shape).flatMap(([name, child]) =>
    child instanceof z.ZodType ? keysOf(child, [...path, name]) : [],
  );
  return path.length === 0 ? inner : [own, ...inner];
}

function defaultIn(layers: readonly z.ZodType[]): Pick<Key, "default"> {
  for (const layer of layers)
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) return { default: layer.def.defaultValue };
  return {};
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
