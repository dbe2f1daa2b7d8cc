import { openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { LoggedRequest } from "../access-log.ts";

const line = z.object({
  at: z.number(),
  tookMs: z.number(),
  method: z.string(),
  path: z.string(),
  query: z.string(),
  user: z.string().optional(),
  status: z.number(),
  complete: z.boolean(),
  userAgent: z.string(),
});

/** One line for each request, written before its answer leaves: whoever has the answer finds it here. */
export class AccessLog {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a", 0o600);
  }

  note(request: z.infer<typeof line>): void {
    writeSync(this.#file, `${JSON.stringify(request)}\n`);
  }
}

export async function readAccessLog(path: string): Promise<LoggedRequest[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text
    .split("\n")
    .slice(0, -1)
    .map((written) => {
      const { query, user, ...request } = line.parse(JSON.parse(written));
      return { ...request, query: new URLSearchParams(query), ...(user !== undefined && { user }) };
    });
}
