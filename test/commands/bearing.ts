import { z } from "zod";
import type { BoundCommand } from "../../src/commands/command.ts";

/**
 * What becomes of whoever shows a token that is for another agent.
 * - `lacks the scope`: such a token is for no operator.
 * - `refused`: the command is told which agent it is about, and that is not the token's.
 * - `served`: with the reason.
 */
export type Bearing = { readonly is: "lacks the scope" | "refused" } | { readonly is: "served"; readonly why: string };

/** Commands that name no agent, or name one that everybody may know of. */
const served: Readonly<Record<string, string>> = {
  agents: "every agent may know of the others, so as to ask them",
  "agents.room": "every agent may know where the others are",
  space: "it says where everybody meets, and nothing of anybody",
  rooms: "only those of the token's own agent are shown",
};

const inputSchema = z.object({ properties: z.record(z.string(), z.unknown()).default({}) });

/** By the command's definition, so that a new one has its answer, or has to say why it serves another agent. */
export function bearingOf({ name, scope, input }: Pick<BoundCommand, "name" | "scope" | "input">): Bearing {
  if (scope.startsWith("admin:")) return { is: "lacks the scope" };
  const why = served[name];
  if (why !== undefined) return { is: "served", why };
  const { properties } = inputSchema.parse(z.toJSONSchema(input, { io: "input", unrepresentable: "any" }));
  if ("agent" in properties) return { is: "refused" };
  throw new Error(`say in ${import.meta.filename} why "${name}" serves a token that is for any agent`);
}
