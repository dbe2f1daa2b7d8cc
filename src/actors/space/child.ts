import type { Content, MatrixClient } from "../../matrix/port.ts";

/** How a room stands in a space. */

/** Whose room it is: by it the space is swept. */
const agentKey = "io.letta_matrix.agent_id";
/** Which part of the space it is, where it is one. */
const partKey = "io.letta_matrix.part";

const longestOrder = 50;
/** Sorts behind every name. */
const last = "~";

/** The room of an agent, sorted by the agent's name. */
export function roomChild(server: string, { agentId, name }: { agentId: string; name: string }): Content {
  return { via: [server], suggested: true, order: orderOf(name), [agentKey]: agentId };
}

/** A further part of the space, sorted behind all rooms. */
export function partChild(server: string, part: number): Content {
  return { via: [server], suggested: true, order: `${last}${String(part).padStart(6, "0")}`, [partKey]: part };
}

export function agentOfChild(content: Readonly<Record<string, unknown>>): string | undefined {
  const agentId = content[agentKey];
  return typeof agentId === "string" ? agentId : undefined;
}

export function partOfChild(content: Readonly<Record<string, unknown>>): number | undefined {
  const part = content[partKey];
  return typeof part === "number" ? part : undefined;
}

/** Whether a room is a further part of a space. */
export async function isPart(
  client: Pick<MatrixClient, "state">,
  spaceId: string,
  roomId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const content = await client.state(spaceId, "m.space.child", roomId, signal);
  return content !== undefined && isChild(content) && partOfChild(content) !== undefined;
}

/** Without `via` a child has been removed. */
export function isChild({ via }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(via);
}

/** Clients sort by this, character by character: at most 50 of printable ASCII. Accents are left out, case is ignored. */
export function orderOf(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\x20-\x7e]+/g, "")
    .trim()
    .slice(0, longestOrder);
}
