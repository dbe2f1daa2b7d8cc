import { APIError } from "@letta-ai/letta-client";
import type { StartTimer } from "../timer.ts";
import type { FrameStream } from "./api.ts";
import { cut } from "./errors.ts";
import { type Frame, frame, frameTypes, otherFrame, streamError } from "./frames.ts";

/** Thrown when nothing was heard of a turn for too long. */
export class Quiet extends Error {
  override readonly name = "Quiet";
}

export interface WatchOptions {
  readonly url: string;
  readonly startTimer: StartTimer;
  readonly idleTimeoutMs: number;
}

/** A frame, as far as it is known, and where in which run's stream it stands. */
export interface Heard {
  readonly frame?: Frame;
  readonly runId?: string;
  readonly seq?: number;
}

/**
 * Reads a stream to its end. The server's pings say that the connection lives, not that the turn does: a run that died
 * with its server is pinged for ever, so they do not count as being heard of.
 */
export async function* heardIn(
  stream: FrameStream,
  { url, startTimer, idleTimeoutMs }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<Heard> {
  const frames = stream[Symbol.asyncIterator]();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const onAbort = () => ended.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let stopTimer: (() => void) | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      stopTimer ??= startTimer(idleTimeoutMs, () => ended.reject(new Quiet("the turn is silent")));
      const next = await Promise.race([frames.next().catch((error: unknown) => lastWords(error, url)), ended.promise]);
      if (next.done === true) return;
      const heard = read(next.value);
      if (heard.frame?.message_type !== "ping") {
        stopTimer();
        stopTimer = undefined;
      }
      yield heard;
    }
  } finally {
    stopTimer?.();
    signal.removeEventListener("abort", onAbort);
    stream.controller.abort();
  }
}

/** An error that the server sent is the stream's last frame; any other is a cut. */
function lastWords(error: unknown, url: string): IteratorResult<unknown> {
  const told =
    error instanceof APIError && error.status === undefined ? streamError.safeParse(error.error).data : undefined;
  if (told === undefined) throw cut(url);
  return { done: false, value: { ...told, message_type: "error_message" } };
}

function read(value: unknown): Heard {
  const told = otherFrame.safeParse(value).data;
  if (told === undefined) return {};
  const known = frameTypes.has(told.message_type) ? frame.safeParse(value).data : undefined;
  return {
    ...(known === undefined ? {} : { frame: known }),
    ...(told.run_id == null ? {} : { runId: told.run_id }),
    ...(told.seq_id == null ? {} : { seq: told.seq_id }),
  };
}
