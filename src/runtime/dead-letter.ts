import type { ActorId } from "./actor-id.ts";
import type { Failure } from "./failure.ts";

/**
 * What an actor could not bear, taken out of its way. Its content stays in the store and is never shown: it may be what a
 * person wrote.
 */
export interface DeadLetter {
  readonly id: string;
  readonly actor: ActorId;
  /** Milliseconds since the epoch; 0 where an earlier version did not write it down. */
  readonly at: number;
  /**
   * - `event`: it crashed its actor again and again.
   * - `result`, `timer`: so did the result of an effect, or a timer.
   * - `effect`: an action that could not be done within its life.
   */
  readonly kind: "event" | "result" | "timer" | "effect";
  /** The event's type, the child's or timer's id, or the action's name. */
  readonly type: string;
  /** The id of what caused the event. */
  readonly cause?: string;
  /** The id of the crash that made it one. */
  readonly crash?: string;
  /** Why the action could not be done. */
  readonly error?: Failure;
}

/** The dead letters of all actors. They are kept until somebody replays or drops them. */
export interface DeadLetters {
  /** In the order in which they came to be; of one actor, or of all. */
  list(actor?: ActorId): Promise<readonly DeadLetter[]>;
  /**
   * Gives the event to its actor once more, marked with `replay` (the letter's id) and to be told from the first; or has the
   * action done once more. Rejects with {@link NoSuchLetter} or {@link NotReplayable}.
   */
  replay(id: string): Promise<DeadLetter>;
  /** Forgets it for good. Rejects with {@link NoSuchLetter}. */
  drop(id: string, reason: string): Promise<DeadLetter>;
}

/** There is no such dead letter (any more). */
export class NoSuchLetter extends Error {
  override readonly name = "NoSuchLetter";
  readonly remedy = "List the dead letters: it may have been replayed or dropped.";

  constructor(id: string) {
    super(`there is no dead letter "${id}"`);
  }
}

/** Results and timers belong to one moment of their actor: what brought them brings another when it is released. */
export class NotReplayable extends Error {
  override readonly name = "NotReplayable";
  readonly remedy: string;

  constructor({ id, kind, actor }: DeadLetter) {
    super(`the dead letter "${id}" is a ${kind}, which means nothing by itself`);
    this.remedy = `Release ${actor} from quarantine: it tries again by itself. Then drop the letter.`;
  }
}
