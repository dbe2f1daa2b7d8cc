import type { PollInput } from "../../machines/agent/context.ts";
import type { Unheard } from "../../machines/agent/owed.ts";
import { isUnreadable } from "./read-back.ts";

/** The rooms of one answer of the homeserver, as far as what was said in them is not handed on with it. */
export class UnheardRooms {
  readonly #owed: ReadonlySet<string>;
  readonly #isRecovering: boolean;
  readonly #unheard: Unheard[] = [];
  readonly #failures: unknown[] = [];
  #read = 0;

  constructor({ owed = [], recovering }: Pick<PollInput, "owed" | "recovering">) {
    this.#owed = new Set(owed.map(({ roomId }) => roomId));
    this.#isRecovering = recovering === true;
  }

  /** Whether the room is read by itself. */
  isOwed({ roomId }: Unheard): boolean {
    return this.#owed.has(roomId);
  }

  note({ roomId, to }: Unheard): void {
    this.#unheard.push({ roomId, ...(to !== undefined && { to }) });
  }

  /** What was read of a room, or `undefined` where that cannot be read just now: then it is unheard. */
  async unlessUnreadable<T>(unheard: Unheard, reading: Promise<T>): Promise<T | undefined> {
    try {
      const read = await reading;
      this.#read++;
      return read;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#failures.push(error);
      this.note(unheard);
      return undefined;
    }
  }

  /**
   * Throws when none could be read: that is the homeserver's trouble rather than theirs. When there was trouble just before,
   * it has shown by its answer that it is not: one room alone must not keep the others from ever being asked about.
   */
  get all(): readonly Unheard[] {
    if (this.#read === 0 && this.#failures.length > 0 && !this.#isRecovering) throw this.#failures[0];
    return this.#unheard;
  }
}
