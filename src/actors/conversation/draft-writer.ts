import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { SendBudget } from "./draft-budget.ts";

/** Sends drafts into the room. */
export interface DraftRoom {
  /** Sends the first draft and gives its event id; what it needs to note is durable before and after. */
  begin(text: string): Promise<string>;
  edit(draft: string, text: string): Promise<void>;
}

/** An answer that is complete before this needs no draft, ms. */
const soon = 300;
const firstInterval = 500;
const longestInterval = 5_000;
const growth = 1.4;
/** An event that was edited very often makes its room slow to load. */
const mostEdits = 100;
/** Characters of a draft; the final holds everything. */
const longestDraft = 4_000;

/**
 * Shows an answer while it grows: the first draft soon, then edits at rising intervals, within the agent's budget.
 * A draft that cannot be sent is skipped: only the final matters.
 */
export class DraftWriter {
  readonly #room: DraftRoom;
  readonly #budget: SendBudget;
  readonly #clock: Clock;
  #draft: string | undefined;
  #text = (): string => "";
  #shown = "";
  #edits = 0;
  #interval = firstInterval;
  #cancelNext: Cancel | undefined;
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(room: DraftRoom, budget: SendBudget, clock: Clock) {
    this.#room = room;
    this.#budget = budget;
    this.#clock = clock;
  }

  /** There is more to show. `text` gives what there is when a draft is sent; nothing is sent while that is empty. */
  update(text: () => string): void {
    this.#text = text;
    if (this.#sending === undefined && this.#cancelNext === undefined) this.#sendLater(soon);
  }

  /** Sends no more drafts, and resolves when none is on its way: what is sent next comes after them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    await this.#sending;
  }

  #send(): void {
    if (this.#stopped || this.#edits >= mostEdits) return;
    const text = draftOf(this.#text());
    if (text === "" || text === this.#shown) return;
    if (!this.#budget.tryDraft()) return this.#sendLater(this.#interval);
    this.#sending = this.#sendOne(text)
      .then(() => {
        this.#shown = text;
      })
      .catch((error: unknown) => {
        const asked: unknown = Reflect.get(Object(error), "retryAfterMs");
        if (typeof asked === "number") this.#budget.pause(asked);
      })
      .finally(() => {
        this.#sending = undefined;
        this.#sendLater(this.#interval);
        this.#interval = Math.min(longestInterval, this.#interval * growth);
      });
  }

  async #sendOne(text: string): Promise<void> {
    if (this.#draft === undefined) this.#draft = await this.#room.begin(text);
    else {
      this.#edits++;
      await this.#room.edit(this.#draft, text);
    }
  }

  #sendLater(delay: number): void {
    if (this.#stopped) return;
    this.#cancelNext = this.#clock.schedule(delay, () => {
      this.#cancelNext = undefined;
      this.#send();
    });
  }
}

function draftOf(text: string): string {
  if (text.length <= longestDraft) return text;
  // Half of a character, where the cut went through one, is no text.
  return `${text.slice(0, longestDraft).replace(/[\ud800-\udbff]$/, "")}…`;
}
