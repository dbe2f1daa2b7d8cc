import type { Conversation, TurnFate } from "../port.ts";
import { isAnswer } from "../stop-reason.ts";
import type { StartTimer } from "../timer.ts";
import type { RestApi } from "./api.ts";
import { busy } from "./errors.ts";
import { callsIn, type Run } from "./frames.ts";
import { readTurn, type TurnRecord } from "./history.ts";
import { otidOfAnswer } from "./turn.ts";
import { heardIn, Quiet } from "./watch.ts";

export interface Look {
  readonly api: Pick<RestApi, "url" | "history" | "run" | "activeRuns" | "resume">;
  readonly startTimer: StartTimer;
  readonly conversation: Conversation;
  readonly otid: string;
  /** Why its turn ended, where we were told. */
  readonly told: string | undefined;
  /** The server keeps streams, and by them knows a message that its history does not know yet. */
  readonly keepsStreams: boolean;
  /** A run in the foreground that is older than this and that nobody watches any more counts as dead, ms. */
  readonly lockMs: number;
  readonly signal: AbortSignal;
}

/** What is known of one message. */
export interface Trace {
  readonly record?: TurnRecord;
  readonly runId?: string;
}

/** What is kept of a stream comes at once; what comes later is not waited for, ms. */
const keptWithinMs = 1_000;
/** For a turn that may have run a tool that we know nothing of. */
const someTool = "a tool";

/** A run's stream names it in its first frame; the history names it once its first step is done. */
export async function trace(look: Look): Promise<Trace> {
  const { api, conversation, otid, keepsStreams, signal } = look;
  const record = await readTurn(api, conversation, otid, signal);
  if (record !== undefined) {
    // The answer to what waits may be under way: it is in the history only when its first step is done.
    const ids = record.waiting.map(({ id }) => id);
    const under = ids.length > 0 && keepsStreams ? await runOf(otidOfAnswer(otid, ids), look) : undefined;
    if (under !== undefined) return { record: { ...record, waiting: [], runId: under }, runId: under };
    return { record, ...(record.runId === undefined ? {} : { runId: record.runId }) };
  }
  const runId = keepsStreams ? await runOf(otid, look) : undefined;
  return runId === undefined ? {} : { runId };
}

async function runOf(otid: string, { api, startTimer, conversation, signal }: Look): Promise<string | undefined> {
  const stream = await api.resume(conversation, { otid }, signal);
  if (stream === undefined) return undefined;
  const options = { url: api.url, startTimer, idleTimeoutMs: keptWithinMs };
  try {
    for await (const { runId } of heardIn(stream, options, signal)) if (runId !== undefined) return runId;
  } catch (error) {
    if (!(error instanceof Quiet)) throw error;
  }
  return undefined;
}

/**
 * What became of a message. The run decides whether its turn ended well: the history keeps answers that came after the
 * turn was cancelled.
 */
export async function fateOf(look: Look): Promise<TurnFate> {
  const { api, told, signal } = look;
  const found = await trace(look);
  const { record, runId } = found;
  if (record !== undefined && record.waiting.length > 0 && told !== "cancelled") {
    // The answer to it may have been sent before. In the foreground sending that again would run the tool again.
    await refuseIfAnotherRuns(look);
    const mayHaveRun = !look.keepsStreams && (await api.activeRuns(look.conversation, signal)).length > 0;
    return mayHaveRun ? { state: "lost", ranTool: record.waiting[0]?.name ?? someTool } : { state: "running" };
  }
  if (told !== undefined) return await judge(told, found, look);
  if (runId === undefined) {
    if (record !== undefined) return { state: "lost", ranTool: record.ran[0] ?? someTool };
    await refuseIfAnotherRuns(look);
    return { state: "unknown" };
  }
  const run = await api.run(runId, signal);
  const ended = run === undefined ? "error" : endOf(run);
  if (ended === undefined) return { state: "running" };
  // The run may have gone on since the history was read: only now is that complete.
  const settled = await readTurn(api, look.conversation, look.otid, signal);
  const hasGoneOn = settled !== undefined && (settled.waiting.length > 0 || (settled.runId ?? runId) !== runId);
  if (hasGoneOn) return { state: "running" };
  return await judge(ended, { runId, ...(settled === undefined ? {} : { record: settled }) }, look);
}

/** Why a run ended; `undefined` while it has not. */
export function endOf({ status, stop_reason }: Run): string | undefined {
  if (status === "created" || status === "running") return undefined;
  if (status === "completed") return stop_reason ?? "end_turn";
  // Whatever the reason says, it did not end well.
  return stop_reason && !isAnswer(stop_reason) ? stop_reason : status;
}

/** How long a run has been there, ms. Without a date it is as good as new. */
export function ageOf({ created_at }: Run, now: number): number {
  const at = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(created_at ?? "") ? (created_at ?? "") : `${created_at}Z`);
  return Number.isNaN(at) ? 0 : now - at;
}

async function judge(stopReason: string, { record, runId }: Trace, look: Look): Promise<TurnFate> {
  if (isAnswer(stopReason) && record !== undefined) return { state: "answered", text: record.text };
  const ran = record === undefined ? await ranIn(runId, look) : record.ran[0];
  return { state: "lost", ...(ran === undefined ? {} : { ranTool: ran }) };
}

/** The first tool that ran in a run of which the history knows nothing. */
async function ranIn(runId: string | undefined, { api, startTimer, conversation, keepsStreams, signal }: Look) {
  if (runId === undefined || !keepsStreams) return someTool;
  const stream = await api.resume(conversation, { run_id: runId }, signal);
  if (stream === undefined) return someTool;
  const options = { url: api.url, startTimer, idleTimeoutMs: keptWithinMs };
  try {
    for await (const { frame } of heardIn(stream, options, signal)) {
      if (frame?.message_type === "tool_call_message") return callsIn(frame)[0]?.name ?? someTool;
    }
  } catch {
    // A run that died has no end: what was kept of it has been read.
    signal.throwIfAborted();
  }
  return undefined;
}

/** Without kept streams a run cannot be told to be this message's before its first step is in the history. */
async function refuseIfAnotherRuns({ api, conversation, keepsStreams, lockMs, signal }: Look): Promise<void> {
  if (keepsStreams) return;
  const active = await api.activeRuns(conversation, signal);
  if (active.some((run) => ageOf(run, Date.now()) < lockMs))
    throw busy("a turn runs in this conversation that may be this message's");
}
