import { z } from "zod";
import type { Request } from "./connection.ts";
import { abortReply } from "./frames.ts";
import type { Session } from "./session.ts";

/** What ending a turn needs. */
export interface Interrupting {
  readonly session: Session;
  readonly request: Request;
  readonly signal: AbortSignal;
}

/** True when there was a turn to abort, also one that was being ended already. */
export async function abort({ session, request, signal }: Interrupting): Promise<boolean> {
  const { aborted } = await request({ type: "abort_message", runtime: session.runtime }, abortReply, signal);
  return aborted;
}

/**
 * After an abort Letta takes messages only into its queue, until this. Only to be used after an abort: while a tool call
 * stands open in the history, this would have Letta go on with its turn.
 */
export async function resume({ session, request, signal }: Interrupting): Promise<void> {
  await request({ type: "sync", runtime: session.runtime, resume_interrupted_turn: true }, z.unknown(), signal);
}
