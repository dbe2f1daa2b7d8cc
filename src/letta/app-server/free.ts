import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Command, Request } from "./connection.ts";
import { busy } from "./errors.ts";
import { abortReply } from "./frames.ts";
import type { Session } from "./session.ts";
import { type StartTimer, sleep } from "./timer.ts";

/**
 * Letta 0.34 stops watching a turn when the socket that asked for it is gone, but its local backend goes on to count
 * that turn's run as running: every later message fails with "already has an active run" until Letta is restarted, and
 * the half answer stands in the history as if it were a whole one. Aborting a turn of the conversation ends that run
 * too and takes its half answer back. So a turn is begun for nothing but to be aborted before it comes to that run.
 *
 * The time for that is a few milliseconds. Skills named for preloading, which Letta reads from disk one after the other
 * before it looks for a run, make it longer; only a conversation that is known to be held gets such a turn, since there
 * it cannot reach the model.
 */
const skill = "finding-agents";
const skillReads = [1_000, 3_000, 9_000];
/**
 * Aborts that are sent right behind the message, so that they come in time also when this process is slow. Each is as
 * long as what Node reads from a socket at once: Letta looks at one after the other, with a bit of the turn in between.
 */
const abortsBehind = 40;
const padding = " ".repeat(64 * 1024);
const abortEveryMs = 2;
const abortWithinMs = 30_000;
/** Letta says that an aborted turn has ended some moments before it is done with it. */
const settleMs = [50, 150, 300];

/** Seen by an agent only if it is asked after all: when nothing holds the conversation, the abort may come too late. */
const note =
  "<system-reminder>letta-matrix makes sure after an interruption that this conversation is free. There is nothing to do and nothing to answer.</system-reminder>";

export const activeRun = /already has an active run/i;

export interface Freeing {
  readonly session: Session;
  readonly request: Request;
  readonly startTimer: StartTimer;
  readonly signal: AbortSignal;
  /** Sends a command that has no reply. */
  post(command: Command, signal: AbortSignal): Promise<void>;
  nextRequestId(): string;
}

/**
 * Ends what is left of a turn that was cut off. To be used only while no turn is running. `cut` when there was something
 * left: that turn has no answer. `free` when there was not: the history holds nothing but what was completed.
 */
export async function free(freeing: Freeing): Promise<"cut" | "free"> {
  if (await abort(freeing)) {
    await resume(freeing);
    return "cut";
  }
  if ((await abortedTurn(freeing, false)) === "free") return "free";
  await release(freeing);
  return "cut";
}

/**
 * Frees a conversation of a run that is known to hold it. Afterwards Letta denies it all tools, as to a script, for as long
 * as a client that takes part in the conversation stays connected: so this is best done over a connection of its own.
 */
export async function release(freeing: Freeing): Promise<void> {
  for (const reads of skillReads) {
    await configure(freeing, reads);
    const outcome = await abortedTurn(freeing, true).finally(() => configure(freeing, 0));
    if (outcome === "free") return;
  }
  throw busy("a turn that was cut off still holds the conversation; restarting Letta frees it");
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

async function configure({ session, request, signal }: Aborting, reads: number): Promise<void> {
  const execution_settings = {
    allowed_tools: [],
    disallowed_tools: [],
    disable_memory_guard: false,
    ...(reads === 0 ? {} : { preload_skills: Array.from({ length: reads }, () => skill) }),
  };
  const command = { type: "runtime_start", ...session.runtime, mode: "strict", recover_approvals: false };
  await request({ ...command, execution_settings }, z.unknown(), signal);
}

/** `held` when the turn came to a run that stands in its way; `held` tells whether that is expected. */
async function abortedTurn(freeing: Freeing, held: boolean): Promise<"held" | "free"> {
  const { session, request, post, signal, startTimer } = freeing;
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
    const taken = request(input, z.object({ accepted: z.boolean() }), signal, requestId);
    if (held) {
      for (let n = 0; n < abortsBehind; n += 1) {
        await post({ type: "abort_message", runtime: session.runtime, padding }, signal);
      }
    }
    if (!(await taken).accepted) throw busy("Letta takes no message in this conversation now");
    while (!end.over && !(await abort(freeing))) await sleep(startTimer, abortEveryMs, signal);
    const error = await end.reached;
    if (error !== undefined && activeRun.test(error)) return "held";
    for (const pause of settleMs) {
      await sleep(startTimer, pause, signal);
      await resume(freeing);
    }
    return "free";
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
      over = true;
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
