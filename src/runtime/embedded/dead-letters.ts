import type { ActorId } from "../actor-id.ts";
import type { Clock } from "../clock.ts";
import { type DeadLetter, type DeadLetters, NoSuchLetter, NotReplayable } from "../dead-letter.ts";
import type { Notice } from "../host.ts";
import { actorOfKey, keys, ranges, tailOfKey } from "./keys.ts";
import { scanPastDamage } from "./past-damage.ts";
import { type DeadLetterRow, deadLetterRow, type EffectRow, type InboxRow, type Item } from "./rows.ts";
import type { RowDamaged } from "./store/seal.ts";
import { del, put, type Store } from "./store.ts";

/** What the dead letters need of their host. */
export interface LetterHost {
  readonly store: Store;
  readonly clock: Clock;
  /** A number larger than that of every row in the store. */
  sequence(): number;
  /** Gives an actor what stands in its inbox already. */
  give(to: ActorId, item: Item): void;
  /** Has an actor do an action; its row is in the store already. */
  redo(actor: ActorId, key: string, row: EffectRow): void;
  notice(notice: Notice): void;
  /** Throws when the host is not running. */
  assertRunning(): void;
  unreadable(actor: ActorId, error: unknown): void;
}

type Stored = readonly [key: string, row: DeadLetterRow];

/** The dead letters as they stand in the store. */
export class StoredDeadLetters implements DeadLetters {
  readonly #host: LetterHost;
  /** Letters that are being replayed or dropped: nobody else may do it, too. */
  readonly #taken = new Set<string>();

  constructor(host: LetterHost) {
    this.#host = host;
  }

  async list(actor?: ActorId): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const stored of this.#stored(actor)) letters.push(letterOf(...stored));
    return letters.sort((a, b) => sequenceOf(a.id) - sequenceOf(b.id));
  }

  replay(id: string): Promise<DeadLetter> {
    return this.#take(id, async ([key, row]) => {
      const letter = letterOf(key, row);
      if ("effect" in row) await this.#redo(key, row, letter);
      else await this.#giveAgain(key, row, letter);
      this.#host.notice({ kind: "replayed", letter });
      return letter;
    });
  }

  drop(id: string, reason: string): Promise<DeadLetter> {
    return this.#take(id, async ([key, row]) => {
      const letter = letterOf(key, row);
      await this.#host.store.commit([del(key)]);
      this.#host.notice({ kind: "dropped", letter, reason });
      return letter;
    });
  }

  /** Tells of one that is about to be forgotten, by its key. */
  expire(key: string): void {
    const text = this.#host.store.get(key);
    const row = text === undefined ? undefined : this.#readable(key, text);
    if (row === undefined) return;
    this.#host.notice({ kind: "dropped", letter: letterOf(key, row), reason: "nobody decided about it in time" });
  }

  async #take(id: string, settle: (stored: Stored) => Promise<DeadLetter>): Promise<DeadLetter> {
    this.#host.assertRunning();
    if (this.#taken.has(id)) throw new NoSuchLetter(id);
    // Before it is looked for: whoever looks while another commits still finds it.
    this.#taken.add(id);
    try {
      const stored = await this.#find(id);
      if (stored === undefined) throw new NoSuchLetter(id);
      return await settle(stored);
    } finally {
      this.#taken.delete(id);
    }
  }

  /** Without its own id, which the actor has taken: whoever sends the event once more from outside is still told apart. */
  async #giveAgain(key: string, { stimulus }: Exclude<DeadLetterRow, { effect: unknown }>, letter: DeadLetter) {
    const { store, sequence } = this.#host;
    if (stimulus.kind !== "event") throw new NotReplayable(letter);
    const event = { ...stimulus.event, replay: letter.id };
    const row: InboxRow = { stimulus: { kind: "event", event }, cause: letter.id, crashes: 0 };
    const itsKey = keys.inbox(letter.actor, sequence());
    await store.commit([del(key), put(itsKey, row)]);
    this.#host.give(letter.actor, { ...row, key: itsKey });
  }

  /** Its life begins anew. */
  async #redo(key: string, { effect: start }: Extract<DeadLetterRow, { effect: unknown }>, letter: DeadLetter) {
    const { store, clock, sequence } = this.#host;
    if (start.kind !== "action") throw new NotReplayable(letter);
    const row: EffectRow = { start, at: clock.now() };
    const itsKey = keys.replayed(letter.actor, sequence());
    await store.commit([del(key), put(itsKey, row)]);
    this.#host.redo(letter.actor, itsKey, row);
  }

  async #find(id: string): Promise<Stored | undefined> {
    for await (const stored of this.#stored()) if (letterOf(...stored).id === id) return stored;
    return undefined;
  }

  #readable(key: string, value: string | RowDamaged): DeadLetterRow | undefined {
    try {
      if (typeof value !== "string") throw value;
      return deadLetterRow.parse(JSON.parse(value));
    } catch (error) {
      this.#host.unreadable(actorOfKey(key), error);
      return undefined;
    }
  }

  async *#stored(actor?: ActorId): AsyncIterable<Stored> {
    const prefix = actor === undefined ? ranges.deadLetter : keys.ofActor(ranges.deadLetter, actor);
    for await (const [key, value] of scanPastDamage(this.#host.store, prefix)) {
      const row = this.#readable(key, value);
      if (row !== undefined) yield [key, row];
    }
  }
}

/** What may be told of a dead letter. */
export function letterOf(key: string, row: DeadLetterRow): DeadLetter {
  const common = { id: `${row.at}-${Number(tailOfKey(key))}`, actor: actorOfKey(key), at: row.at };
  if ("effect" in row) {
    const { effect, error } = row;
    return { ...common, kind: "effect", type: effect.kind === "send" ? effect.event.type : effect.name, error };
  }
  const { stimulus, cause, crash } = row;
  return { ...common, ...namesOf(stimulus), crash, ...(cause !== undefined && { cause }) };
}

function namesOf(stimulus: InboxRow["stimulus"]): Pick<DeadLetter, "kind" | "type"> {
  switch (stimulus.kind) {
    case "start":
      return { kind: "event", type: "start" };
    case "event":
      return { kind: "event", type: stimulus.event.type };
    case "timer":
      return { kind: "timer", type: stimulus.timer };
    case "done":
    case "error":
      return { kind: "result", type: stimulus.child };
  }
}

function sequenceOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}
