import { MatrixError } from "../port.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** So many users who find no answer one after the other show that it is not the trouble of one of them. */
const enough = 3;
const firstPause = 1_000;
const longestPause = 30_000;

interface Opened {
  readonly until: number;
  readonly cause: MatrixError;
}

/**
 * A circuit breaker for all users of one homeserver. When it answers none of them, it is asked by one of them at a time;
 * everybody else is told at once what that one would have found. The intervals grow with the users who have asked in vain:
 * three whose own rooms are broken do not keep everybody else waiting.
 */
export class Breaker {
  readonly #stopwatch: Stopwatch;
  readonly #onOpen: () => void;
  /** Those who found no answer since somebody last found one. */
  readonly #unanswered = new Set<string>();
  #opened: Opened | undefined;
  #probing = false;

  /** `onOpen` is called when it turns out that the homeserver answers nobody. */
  constructor(stopwatch: Stopwatch, onOpen: () => void) {
    this.#stopwatch = stopwatch;
    this.#onOpen = onOpen;
  }

  /** Throws when asking now would be in vain. */
  assertPromising(): void {
    if (this.#opened !== undefined && (this.#probing || this.#stopwatch.elapsed() < this.#opened.until))
      throw this.refusal();
  }

  /** What somebody gets who may not ask. */
  refusal(): MatrixError {
    const cause = this.#opened?.cause;
    return new MatrixError("unreachable", "the homeserver answers nobody, and is tried again from time to time", {
      remedy: cause?.remedy ?? "Look at the homeserver; it is tried again.",
      cause,
    });
  }

  /** Asks, unless that would be in vain. `work` is told whether everybody else waits for its outcome. */
  async through<T>(asker: string, work: (isProbe: boolean) => Promise<T>): Promise<T> {
    this.assertPromising();
    const isProbe = this.#opened !== undefined;
    if (isProbe) this.#probing = true;
    try {
      const answer = await work(isProbe);
      this.#close();
      return answer;
    } catch (error) {
      if (error instanceof MatrixError) this.#judge(asker, error, isProbe);
      throw error;
    } finally {
      if (isProbe) this.#probing = false;
    }
  }

  #judge(asker: string, error: MatrixError, isProbe: boolean): void {
    // A proxy's own page tells nothing about the homeserver behind it.
    const isAnswer = error.kind !== "unreachable" && error.kind !== "malformed";
    if (isAnswer) return this.#close();
    if (!isProbe && (this.#opened !== undefined || error.kind === "malformed")) return;
    this.#unanswered.add(asker);
    if (this.#unanswered.size >= enough) this.#open(error);
  }

  #open(cause: MatrixError): void {
    const pause = Math.min(longestPause, firstPause * 2 ** Math.min(this.#unanswered.size - enough, 10));
    this.#opened = { until: this.#stopwatch.elapsed() + pause, cause };
    this.#onOpen();
  }

  #close(): void {
    this.#unanswered.clear();
    this.#opened = undefined;
  }
}
