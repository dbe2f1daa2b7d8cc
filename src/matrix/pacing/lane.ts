import type { Urgency } from "../port.ts";
import { type Waiter, waitAmong } from "./waiter.ts";

export interface LaneOptions {
  /** Requests that may be under way at once. */
  readonly most: number;
  /** How many of them housekeeping may take: the rest is free for what people wait for. */
  readonly housekeeping: number;
}

/** The most urgent first. */
const urgencies: readonly Urgency[] = ["answer", "conversation", "housekeeping"];
/** How often those who wait may be passed over by more urgent ones before one of them goes first. */
const patience = 8;

/** Lets so many requests out at once, and of those that wait the urgent ones first, though never only them. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #running: Record<Urgency, number> = { answer: 0, conversation: 0, housekeeping: 0 };
  readonly #waiting: Readonly<Record<Urgency, Set<Waiter>>> = {
    answer: new Set(),
    conversation: new Set(),
    housekeeping: new Set(),
  };
  readonly #passedOver: Record<Urgency, number> = { answer: 0, conversation: 0, housekeeping: 0 };

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Does `work` when there is room for it. */
  async through<T>(urgency: Urgency, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(urgency, signal);
    try {
      return await work();
    } finally {
      this.#running[urgency] -= 1;
      this.#admit();
    }
  }

  /** Nobody who waits now gets in any more. */
  turnAway(reason: () => unknown): void {
    for (const urgency of urgencies) for (const waiter of [...this.#waiting[urgency]]) waiter.refuse(reason());
  }

  #enter(urgency: Urgency, signal: AbortSignal): Promise<void> {
    const turn = waitAmong(this.#waiting[urgency], urgency, signal);
    this.#admit();
    return turn;
  }

  #admit(): void {
    for (;;) {
      const urgency = this.#next();
      if (urgency === undefined) return;
      this.#running[urgency] += 1;
      for (const waiter of this.#waiting[urgency]) {
        waiter.admit();
        break;
      }
    }
  }

  /** Whose turn it is. */
  #next(): Urgency | undefined {
    const ready = urgencies.filter((one) => this.#waiting[one].size > 0 && this.#hasRoomFor(one));
    const next = ready.find((one) => this.#passedOver[one] >= patience) ?? ready[0];
    for (const one of ready) this.#passedOver[one] = one === next ? 0 : this.#passedOver[one] + 1;
    return next;
  }

  #hasRoomFor(urgency: Urgency): boolean {
    const { most, housekeeping } = this.#options;
    const running = this.#running;
    if (running.answer + running.conversation + running.housekeeping >= most) return false;
    return urgency !== "housekeeping" || running.housekeeping < housekeeping;
  }
}
