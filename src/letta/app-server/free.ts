import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Request } from "./connection.ts";
import { busy } from "./errors.ts";
import { abortReply } from "./frames.ts";
import type { Session } from "./session.ts";
import { type StartTimer, sleep } from "./timer.ts";

/**
 * Letta 0.34 stops watching a turn when the socket that asked for it is gone, but its local backend goes on to count
 * that turn's run as running: every later message fails with "already has an active run" until Letta is restarted, and
 * the half answer stands in the history as if it were a whole one. Aborting a turn of the conversation ends that run
 * too and takes its half answer back. So a turn is begun for nothing but to be aborted before it reaches the model.
 *
 * The time to do so is a few milliseconds; skills named for preloading, which Letta reads from disk one after the
 * other before it asks the model, make it longer.
 */
const skills = ["creating-skills", "acquiring-skills", "creating-mods"];
const skillReads = [120, 360, 900];
const abortEveryMs = 1;
const abortWithinMs = 10_000;
/** Letta says that an aborted turn has ended a moment before it is done with it. */
const settleMs = 50;

/** Seen by an agent only if it is asked after all. */
const note =
  "<system-reminder>letta-matrix makes sure after an interruption that this conversation is free. There is nothing to do and nothing to answer.</system-reminder>";

export const activeRun = /already has an active run/i;

export interface Freeing {
  readonly session: Session;
  readonly request: Request;
  readonly startTimer: StartTimer;
  readonly signal: AbortSignal;
  nextRequestId(): string;
}

/**
 * Ends what is left of a turn that was cut off. To be used only while no turn is running. `cut` when one was still
 * being ended; `free` when the history now holds nothing but what was completed.
 */
export async function free(freeing: Freeing): Promise<"cut" | "free"> {
  if (await abort(freeing)) {
    await resume(freeing);
    return "cut";
  }
  for (const reads of skillReads) {
    await start(freeing, reads);
    try {
      if (await abortedTurn(freeing)) return "free";
    } finally {
      await start(freeing, 0);
    }
  }
  throw busy("a turn that was cut off still holds the conversation");
}

/** What aborting needs. */
export type Aborting = Pick<Freeing, "session" | "request" | "signal">;

/** True when there was a turn to abort, also one that was being ended already. */
export async function abort({ session, request, signal }: Aborting): Promise<boolean> {
  const { aborted } = await request({ type: "abort_message", runtime: session.runtime }, abortReply, signal);
  return aborted;
}

/**
 * After an abort Letta takes messages only into its queue, until this. Only to be used after an abort: while a tool call
 * stands open in the history, this would have Letta go on with its turn.
 */
export async function resume({ session, request, signal }: Aborting): Promise<void> {
  await request({ type: "sync", runtime: session.runtime, resume_interrupted_turn: true }, z.unknown(), signal);
}

async function start({ session, request, signal }: Freeing, reads: number): Promise<void> {
  const preload = Array.from({ length: reads }, (_, index) => skills[index % skills.length]);
  const execution_settings = {
    allowed_tools: [],
    disallowed_tools: [],
    disable_memory_guard: false,
    ...(reads === 0 ? {} : { preload_skills: preload }),
  };
  const command = { type: "runtime_start", ...session.runtime, mode: "strict", recover_approvals: false };
  await request({ ...command, execution_settings }, z.unknown(), signal);
}

/** True when the turn ended before it had come to a run that stands in its way. */
async function abortedTurn(freeing: Freeing): Promise<boolean> {
  const { session, request, signal, startTimer } = freeing;
  const requestId = freeing.nextRequestId();
  const end = endOfNextTurn(freeing, requestId);
  // With an id Letta takes it into its queue when it takes nothing directly.
  const id = randomUUID();
  const payload = {
    kind: "create_message",
    messages: [{ role: "user", content: note, otid: id, client_message_id: id }],
    client_tool_allowlist: [],
    exclude_interactive_tools: true,
  };
  try {
    const input = { type: "input", runtime: session.runtime, payload };
    const { accepted } = await request(input, z.object({ accepted: z.boolean() }), signal, requestId);
    if (!accepted) return false;
    while (!end.over && !(await abort(freeing))) await sleep(startTimer, abortEveryMs, signal);
    const error = await end.reached;
    await sleep(startTimer, settleMs, signal);
    await resume(freeing);
    return error === undefined || !activeRun.test(error);
  } finally {
    end.stop();
  }
}

interface End {
  readonly over: boolean;
  /** The error that the turn ended with, if any. */
  readonly reached: Promise<string | undefined>;
  stop(): void;
}

function endOfNextTurn({ session, startTimer }: Freeing, requestId: string): End {
  let over = false;
  let begun = false;
  let stop = () => {};
  const reached = new Promise<string | undefined>((resolve, reject) => {
    const unwatch = session.watch((frame) => {
      if (frame.type === "input_accepted" && frame.request_id === requestId) begun = true;
      if (!begun || frame.type !== "turn_finished") return;
      over = true;
      resolve(frame.error);
    });
    const cancel = startTimer(abortWithinMs, () => {
      over = true;
      reject(busy("a turn that was cut off has not ended yet"));
    });
    stop = () => {
      unwatch();
      cancel();
    };
  });
  reached.catch(() => {});
  return {
    get over() {
      return over;
    },
    reached,
    stop: () => stop(),
  };
}
