import type { ActorId } from "../actor-id.ts";
import type { Behaviour } from "../behaviour.ts";
import type { Cancel, Clock } from "../clock.ts";
import type { CrashReport, RestartPolicy } from "../crash.ts";
import { toFailure } from "../failure.ts";
import type { Health, Transition } from "../host.ts";
import { jittered } from "../jitter.ts";
import { type JournalLine, journalLength } from "../journal.ts";
import type { ActorRecord } from "../record.ts";
import { type Reply, type Step, type Stimulus, step } from "../step.ts";
import type { EffectRow, InboxRow } from "./effect-row.ts";
import { EffectRunner, type RunnerHost, type RunnerOptions } from "./effect-runner.ts";
import { keys } from "./keys.ts";
import { del, put, type Store, type Write } from "./store.ts";
import type { TimerSet } from "./timer-set.ts";

/** Something for an actor to take; `key` is its row in the store's inbox, if it has one. */
export interface Item extends InboxRow {
  readonly key?: string;
}

/** What all cells of a host share. */
export interface CellHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: TimerSet;
  readonly policy: RestartPolicy;
  readonly mailboxLimit: number;
  readonly runner: RunnerOptions;
  /** A number larger than every one given before, also by an earlier process. */
  sequence(): number;
  /** Gives an event to another actor; its row is in the store already. */
  forward(to: ActorId, item: Item): void;
  reply(reply: Reply): void;
  /** Called after each commit. */
  committed(transition: Transition): void;
  crashed(report: CrashReport): void;
  /** Called whenever the cell may have become idle. */
  rest(cell: Cell): void;
}

/** One actor in memory: its record, its running effects, and what it has not taken yet. */
export class Cell implements RunnerHost {
  readonly id: ActorId;
  readonly #behaviour: Behaviour;
  readonly #host: CellHost;
  #record: ActorRecord | undefined;
  #runner: EffectRunner;
  #health: Health = { state: "running" };
  #incarnation = 1;
  #cancelRestart: Cancel = () => undefined;
  #crashTimes: readonly number[] = [];
  /** Effects not yet done, by row key, as of the last step. */
  readonly #rows = new Map<string, EffectRow>();
  /** Events whose step is being committed, by event id: a duplicate waits for the same commit. */
  readonly #committing = new Map<string, Promise<void>>();
  #held: Item[] = [];
  #uncommitted = 0;

  constructor(id: ActorId, behaviour: Behaviour, record: ActorRecord | undefined, host: CellHost) {
    this.id = id;
    this.#behaviour = behaviour;
    this.#record = record;
    this.#host = host;
    this.#runner = this.#newRunner();
  }

  get record(): ActorRecord | undefined {
    return this.#record;
  }

  get health(): Health {
    return this.#health;
  }

  /** True when it has as many events under way as it may have. */
  get full(): boolean {
    return this.#uncommitted + this.#held.length >= this.#host.mailboxLimit;
  }

  /** True when nothing would be lost by forgetting the cell: all it knows is in the store. */
  get idle(): boolean {
    return this.#uncommitted === 0 && this.#rows.size === 0 && this.#held.length === 0 && this.#crashTimes.length === 0;
  }

  /** Takes over what an earlier process left undone, before {@link resume}. */
  adopt(rows: ReadonlyMap<string, EffectRow>, inbox: readonly Item[]): void {
    for (const [key, row] of rows) this.#rows.set(key, row);
    this.#held.push(...inbox);
  }

  /** Begins an incarnation: starts what was running before, then takes what was held. */
  resume(): void {
    this.#health = { state: "running" };
    const settled = new Set(this.#held.map(({ stimulus }) => "generation" in stimulus && stimulus.generation));
    for (const [key, row] of this.#rows)
      if (row.start.kind === "action" || !settled.has(row.start.generation)) this.#runner.start(key, row, true);
    const held = this.#held;
    this.#held = [];
    // Each is either taken, or held again by the crash of the one before it.
    for (const item of held) void this.take(item).catch(() => undefined);
    this.#host.rest(this);
  }

  /** Resolves when the item, or all that follows from it, is durable. */
  take(item: Item): Promise<void> {
    const known = this.#knownAs(item);
    if (known !== undefined) return known;
    if (this.#health.state !== "running") return this.#hold(item);
    const at = this.#host.clock.now();
    const steps: Step[] = [];
    try {
      if (this.#record === undefined) this.#tryStep(steps, { kind: "start" }, at);
      this.#tryStep(steps, item.stimulus, at);
    } catch (error) {
      return this.#crash(item, error, at);
    }
    return this.#commit(item, steps);
  }

  deliver(stimulus: Stimulus, cause: string): Promise<void> {
    return this.take({ stimulus, cause, crashes: 0 });
  }

  done(key: string): void {
    this.#rows.delete(key);
    this.#host.store.ride([del(key), del(keys.checkpoint(key))]);
    this.#host.rest(this);
  }

  abandon(key: string, row: EffectRow, error: unknown): void {
    const letter = { effect: row.start, error: toFailure(error) };
    this.#rows.delete(key);
    const writes = [put(keys.deadLetter(this.id, this.#host.sequence()), letter), del(key), del(keys.checkpoint(key))];
    void this.#host.store.commit(writes).catch(() => undefined);
  }

  /** Aborts the effects; resolves when none runs any more. */
  async stop(): Promise<void> {
    this.#cancelRestart();
    this.#runner.abortAll("the host stops");
    await this.#runner.settled();
  }

  #knownAs({ id, key }: Item): Promise<void> | undefined {
    if (id === undefined) return undefined;
    const committing = this.#committing.get(id);
    const known =
      committing ?? (this.#host.store.get(keys.seen(this.id, id)) === undefined ? undefined : Promise.resolve());
    if (known !== undefined && key !== undefined) this.#host.store.ride([del(key)]);
    return known;
  }

  #tryStep(steps: Step[], stimulus: Stimulus, at: number): void {
    const taken = step({
      behaviour: this.#behaviour,
      id: this.id,
      record: steps.at(-1)?.record ?? this.#record,
      stimulus,
      at,
      jitterSeed: this.#host.runner.jitterSeed,
    });
    if (taken !== undefined) steps.push(taken);
  }

  #commit(item: Item, steps: readonly Step[]): Promise<void> {
    const writes: Write[] = [];
    const afterwards: (() => void)[] = [];
    for (const taken of steps) this.#absorb(taken, item.cause, writes, afterwards);
    if (item.key !== undefined) writes.push(del(item.key));
    if (item.id !== undefined) writes.push(put(keys.seen(this.id, item.id), this.#host.clock.now()));
    if (writes.length === 0) return Promise.resolve();
    this.#uncommitted++;
    const { id } = item;
    const durable = this.#host.store.commit(writes).then(() => {
      this.#uncommitted--;
      if (id !== undefined) this.#committing.delete(id);
      for (const run of afterwards) run();
      this.#host.rest(this);
    });
    if (id !== undefined) this.#committing.set(id, durable);
    return durable;
  }

  /** Makes the step the actor's present, and notes what to write and what to do once that is durable. */
  #absorb(taken: Step, cause: string | undefined, writes: Write[], afterwards: (() => void)[]): void {
    const { record, effects, timers } = taken;
    const { revision, at } = record;
    const line: JournalLine = {
      revision,
      at,
      event: taken.event,
      ...(this.#record !== undefined && { from: this.#record.value }),
      to: record.value,
      effects: effects.map((effect) => (effect.kind === "send" ? effect.event.type : effect.name)),
      ...(cause !== undefined && { cause }),
      handled: taken.handled,
    };
    this.#record = record;
    writes.push(put(keys.record(this.id), record), put(keys.journal(this.id, revision), line));
    if (revision > journalLength) writes.push(del(keys.journal(this.id, revision - journalLength)));

    const endedRows = taken.ended.flatMap((generation) => this.#rowsOf(generation));
    for (const key of endedRows) {
      this.#rows.delete(key);
      writes.push(del(key), del(keys.checkpoint(key)));
    }
    const startedRows = effects.map((start, n): [string, EffectRow] => [
      keys.effect(this.id, revision, n),
      { start, at },
    ]);
    for (const [key, row] of startedRows) {
      this.#rows.set(key, row);
      writes.push(put(key, row));
    }
    for (const timer of timers.cancel) writes.push(del(keys.timer(this.id, timer)));
    for (const timer of timers.set) {
      const pending = record.timers[timer];
      if (pending) writes.push(put(keys.timer(this.id, timer), { due: pending.due, generation: pending.generation }));
    }
    const tells = taken.tells.map(({ to, event, id }): [ActorId, Item] => {
      const key = keys.inbox(to, this.#host.sequence());
      const row: InboxRow = {
        stimulus: { kind: "event", event },
        ...(id !== undefined && { id }),
        cause: cause ?? this.id,
        crashes: 0,
      };
      writes.push(put(key, row));
      return [to, { ...row, key }];
    });

    afterwards.push(() => {
      for (const key of endedRows) this.#runner.end(key);
      for (const [key, row] of startedRows)
        if (this.#rows.has(key) && this.#health.state === "running") this.#runner.start(key, row, false);
      for (const timer of timers.cancel) this.#host.timers.cancel(this.id, timer);
      for (const timer of timers.set) {
        const pending = record.timers[timer];
        if (pending) this.#host.timers.set(this.id, timer, pending.due, pending.generation);
      }
      for (const [to, item] of tells) this.#host.forward(to, item);
      for (const reply of taken.replies) this.#host.reply(reply);
      this.#host.committed({ record, line });
    });
  }

  #rowsOf(generation: number): string[] {
    return [...this.#rows]
      .filter(([, { start }]) => start.kind !== "action" && start.generation === generation)
      .map(([key]) => key);
  }

  /** Keeps an item for the next incarnation. Results and timers need no row: what brings them is in the store. */
  #hold(item: Item): Promise<void> {
    if (item.stimulus.kind !== "event" || item.key !== undefined) {
      this.#held.push(item);
      return Promise.resolve();
    }
    const { key: _, ...row } = item;
    const key = keys.inbox(this.id, this.#host.sequence());
    this.#held.push({ ...row, key });
    return this.#host.store.commit([put(key, row)]);
  }

  #crash(item: Item, error: unknown, at: number): Promise<void> {
    const { store, policy } = this.#host;
    this.#runner.abortAll("the incarnation ended");
    const { stimulus } = item;
    const report: CrashReport = {
      id: `${at}-${this.#host.sequence()}`,
      actor: this.id,
      at,
      incarnation: this.#incarnation++,
      stimulus: stimulus.kind === "event" ? stimulus.event.type : stimulus.kind,
      error: toFailure(error),
    };
    this.#runner = this.#newRunner();
    this.#crashTimes = [...this.#crashTimes.filter((time) => time > at - policy.period), at];
    const writes: Write[] = [put(keys.crash(this.id, at, report.incarnation), report)];
    const hopeless = item.crashes + 1 >= policy.crashesPerEvent;
    const kept = hopeless ? this.#bury(item, report, writes) : this.#keep(item, writes);
    if (kept !== undefined) this.#held.unshift(kept);
    const quarantined = this.#crashTimes.length > policy.intensity || (hopeless && kept === undefined);
    this.#health = quarantined ? { state: "quarantined", crash: report } : this.#restartLater(report);
    this.#host.crashed(report);
    return store.commit(writes);
  }

  /** The item again, with one more crash to its name. */
  #keep({ key, ...row }: Item, writes: Write[]): Item {
    const counted = { ...row, crashes: row.crashes + 1 };
    if (row.stimulus.kind !== "event") return counted;
    const rowKey = key ?? keys.inbox(this.id, this.#host.sequence());
    writes.push(put(rowKey, counted));
    return { ...counted, key: rowKey };
  }

  /** Makes the item a dead letter, and gives the notice that takes its place; nothing where that crashed, too. */
  #bury({ key, ...row }: Item, report: CrashReport, writes: Write[]): Item | undefined {
    writes.push(put(keys.deadLetter(this.id, this.#host.sequence()), { ...row, crash: report.id }));
    if (key !== undefined) writes.push(del(key));
    if (row.stimulus.kind !== "event" || row.stimulus.event.type === "deadLetter") return undefined;
    if (row.id !== undefined) writes.push(put(keys.seen(this.id, row.id), report.at));
    const event = { type: "deadLetter", letter: row.stimulus.event, crash: report.id };
    const notice: InboxRow = { stimulus: { kind: "event", event }, cause: report.id, crashes: 0 };
    const noticeKey = keys.inbox(this.id, this.#host.sequence());
    writes.push(put(noticeKey, notice));
    return { ...notice, key: noticeKey };
  }

  #restartLater(crash: CrashReport): Health {
    const { policy, clock, runner } = this.#host;
    const doubled = policy.minBackoff * 2 ** (this.#crashTimes.length - 1);
    const wait = jittered(Math.min(policy.maxBackoff, doubled), `${runner.jitterSeed} ${crash.id}`);
    this.#cancelRestart = clock.schedule(wait, () => this.resume());
    return { state: "restarting", until: crash.at + wait, crash };
  }

  #newRunner(): EffectRunner {
    return new EffectRunner(this.id, this.#behaviour, this.#host.store, this, this.#host.runner);
  }
}
