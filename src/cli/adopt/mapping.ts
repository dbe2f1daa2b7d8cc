import { readFile } from "node:fs/promises";
import { z } from "zod";

/** One agent in the mapping of another system. */
export interface Mapped {
  readonly agentId: string;
  readonly name: string;
  readonly userId: string;
  readonly password: string;
  readonly roomId?: string;
}

/** The file cannot be used. Never quotes it: it holds passwords. */
export class MappingUnusable extends Error {
  override readonly name = "MappingUnusable";
  readonly remedy =
    "Name a JSON file with an entry for each agent, as an object or a list: agent_id, agent_name, matrix_user_id, " +
    "matrix_password, room_id, room_created.";
}

const text = z.string().trim().min(1);
const entry = z.looseObject({
  agent_id: text,
  agent_name: z.string().nullish(),
  matrix_user_id: text.regex(/^@[^:\s]+:\S+$/),
  matrix_password: z.string().min(1),
  room_id: z.string().trim().nullish(),
  /** Some exports write it as a number. */
  room_created: z.union([z.boolean(), z.number()]).nullish(),
});
const mapping = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown()).transform(Object.values)]);

/** Reads the mapping. Throws {@link MappingUnusable}. */
export async function readMapping(file: string): Promise<readonly Mapped[]> {
  const parsed = mapping.safeParse(parseJson(file, await read(file)));
  if (!parsed.success) throw new MappingUnusable(`${file} is no object and no list`);
  const problems: string[] = [];
  const entries = parsed.data.flatMap((value: unknown, index: number) => {
    const { data, error } = entry.safeParse(value);
    if (data !== undefined) return [toMapped(data)];
    const keys = error.issues.map(({ path, message }) => `${path.join(".") || "entry"}: ${message}`);
    problems.push(`entry ${index + 1}: ${keys.join(", ")}`);
    return [];
  });
  for (const [what, of] of [
    ["agent", ({ agentId }: Mapped) => agentId],
    ["user", ({ userId }: Mapped) => userId],
    ["room", ({ roomId }: Mapped) => roomId],
  ] as const)
    problems.push(...twice(entries.map(of)).map((id) => `the ${what} ${id} is there more than once`));
  if (problems.length > 0) throw new MappingUnusable(`${file} cannot be used: ${problems.join("; ")}`);
  return entries;
}

function toMapped({
  agent_id,
  agent_name,
  matrix_user_id,
  matrix_password,
  room_id,
  room_created,
}: z.output<typeof entry>): Mapped {
  const hasRoom =
    room_id !== null && room_id !== undefined && room_id !== "" && room_created !== false && room_created !== 0;
  return {
    agentId: agent_id,
    name: agent_name ?? agent_id,
    userId: matrix_user_id,
    password: matrix_password,
    ...(hasRoom && { roomId: room_id }),
  };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new MappingUnusable(`${file} cannot be read (${String(Reflect.get(Object(cause), "code"))})`);
  }
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    // The parser's own words would quote the file.
    throw new MappingUnusable(`${file} is not JSON`);
  }
}

function twice(values: readonly (string | undefined)[]): readonly string[] {
  const known = new Set<string>();
  return values.filter((value) => value !== undefined).filter((value) => known.has(value) || !known.add(value));
}
