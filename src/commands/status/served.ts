import type { AgentStatus } from "./schema.ts";

/** In these an agent hears nothing, since somebody wants it so. */
const unserved = ["disabled", "retiring", "retired"] as const;

type Unserved = (typeof unserved)[number];

/** Why nobody is to be served by the agent; `undefined` for one that is at work. */
export function unservedAs({ regions }: Pick<AgentStatus, "regions">): Unserved | undefined {
  const [life] = (regions["life"] ?? "").split(".");
  return unserved.find((one) => one === life);
}
