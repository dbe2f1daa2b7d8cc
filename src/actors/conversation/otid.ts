import { v5 } from "uuid";

/** Namespace of the ids by which Letta knows our messages. Never change it: it makes an old input a new one. */
const namespace = "6f1c1a58-3d0c-4f4e-9c55-0f0a3c8c6d21";

/** Names one attempt of an agent to answer a question, the same in every process and after every restore. */
export function otidOf(agentId: string, questionEventId: string, attempt: number): string {
  return v5(`${agentId} ${questionEventId} ${attempt}`, namespace);
}
