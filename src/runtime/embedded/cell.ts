import type { ActorId } from "../actor-id.ts";
import type { Behaviour } from "../behaviour.ts";
import type { CrashReport } from "../crash.ts";
import { toFailure } from "../failure.ts";
import type { Health } from "../host.ts";
import type { JournalLine } from "../journal.ts";
import type { ActorRecord } from "../record.ts";
import { type Step, type Stimulus, step } from "../step.ts";
import type { CellHost } from "./cell-host.ts";
import { crashedItem, isNotice } from "./crashed-item.ts";
import { letterOf } from "./dead-letters.ts";
import { EffectRunner, type EffectSilent, type RunnerHost } from "./effect-runner.ts";
import { HeldItems } from "./held-items.ts";
import { keys } from "./keys.ts";
import { KnownEvents } from "./known-events.ts";
import { lastLines } from "./last-lines.ts";
import { PastCrashes } from "./past-crashes.ts";
import { PendingRestart } from "./pending-restart.ts";
import { reconcile } from "./reconcile.ts";
import type { DeadLetterRow, EffectRow, Item } from "./rows.ts";
import { Settling } from "./settling.ts";
import { healthOf, type Standing } from "./standing.ts";
import { type StepBatch, stepBatch } from "./step-batch.ts";
import { del, put, type Write } from "./store.ts";

/**
 * One actor in memory: its record, its running effects, and what it has not taken yet. Where an event is on its way:
 *
 * - **inbox**: a row of what was acknowledged and not taken yet, which a later process finds.
 * - **held**: for the next incarnation, or while this one settles, in order. An event gets a row in the inbox with that; a
 *   result or a timer needs none, as what brings it is in the store.
 * - **uncommitted**: taken. The next event builds on it, and nothing that it asked for is let loose, until it is on disk.
 * - **committed**: with the deletion of its row in the inbox.
 *
 * There is no other queue: who runs takes what comes at once. The mailbox is what is uncommitted or held.
 *
 * An actor **settles** once it has been told that something was given up, or has been released: what comes from outside is
 * held until its effects are over, or have had as long as the longest wait. Else the next event that it cannot bear ends
 * what it owes for the one before, each time anew.
 */
export class Cell implements RunnerHost {
  readonly id: ActorId;
  readonly #behaviour: Behaviour;
  readonly #host: CellHost;
  #record: ActorRecord | undefined;
  #runner: EffectRunner;
  #standing: Standing = { state: "running" };
  #incarnation = 1;
  readonly #pendingRestart: PendingRestart;
  readonly #settling: Settling;
  #stopped = false;
  readonly #past: PastCrashes;
  /** Resolves when the last crash is written down, and so all before it. */
  #reported: Promise<void> = Promise.resolve();
  /** The effect that was last found stuck, until it gives a sign of life or is over. */
  #silence: { readonly key: string; readonly crash: CrashReport } | undefined;
  /** Of steps that are being committed. */
  #fresh: readonly JournalLine[] = [];
  /** Effects not yet done, by row key, as of the last step. */
  #rows = new Map<string, EffectRow>();
  readonly #known: KnownEvents;
  readonly #held = new HeldItems();
  #uncommitted = 0;

  constructor(id: ActorId, behaviour: Behaviour, record: ActorRecord | undefined, host: CellHost) {
    this.id = id;
    this.#behaviour = behaviour;
    this.#record = record;
    this.#host = host;
    this.#runner = new EffectRunner(id, behaviour, host.store, this, host.runner);
    this.#pendingRestart = new PendingRestart(host.clock, host.budget);
    this.#settling = new Settling(host.clock, host.policy.maxBackoff, () => {
      this.#takeHeld();
      this.#relax();
    });
    this.#known = new KnownEvents(id, host.store);
    this.#past = new PastCrashes(host.clock, host.policy, () => host.rest(this));
  }

  get record(): ActorRecord | undefined {
    return this.#record;
  }

  get health(): Health {
    const silence = this.#silence;
    const isSilent = silence !== undefined && this.#rows.has(silence.key);
    return healthOf(this.#standing, this.#past.count, isSilent ? silence.crash : undefined);
  }

  /** True when its mailbox is: it has as many events uncommitted or held as it may have. */
  get full(): boolean {
    return this.#uncommitted + this.#held.size >= this.#host.mailboxLimit;
  }

  /** True when nothing would be lost by forgetting the cell: all it knows is in the store. */
  get idle(): boolean {
    const busy = this.#uncommitted > 0 || this.#rows.size > 0 || this.#held.size > 0;
    return !busy && this.#standing.state === "running" && this.#past.count.recent === 0;
  }

  /**
   * Takes over what an earlier process left undone, before {@link resume}. With `migrated`, makes the store fit the record
   * first: safe to repeat, for until that is durable the old record is, too.
   */
  adopt(rows: ReadonlyMap<string, EffectRow>, inbox: readonly Item[], migrated: boolean): void {
    this.#rows = new Map(rows);
    this.#held.add(...inbox);
    if (!migrated || this.#record === undefined) return;
    const reconciled = reconcile(this.#record, rows);
    this.#rows = new Map(reconciled.rows);
    this.#host.ride(reconciled.writes);
    for (const [timer, pending] of Object.entries(this.#record.timers))
      this.#host.timers.set(this.id, timer, pending, this.#record.at);
  }

  /** Begins an incarnation: takes what was held, then starts what was running before and still is. */
  resume(): void {
    this.#standing = { state: "running" };
    this.#past.begun();
    const rows = [...this.#rows];
    this.#takeHeld();
    for (const [key, row] of rows) this.#start(key, row, true);
    this.#settling.endIf(this.#rows.size === 0);
  }

  /** Leaves quarantine as if it had never crashed. Resolves to false when it is in none. */
  async release(): Promise<boolean> {
    const quarantine = this.#standing;
    if (quarantine.state !== "quarantined") return false;
    await this.#reported;
    if (this.#stopped || this.#standing !== quarantine) return false;
    this.#past.forget();
    // One that crashed the actor for good is not among what was held, and it will not come by itself.
    for (const [timer, pending] of Object.entries(this.#record?.timers ?? {}))
      this.#host.timers.set(this.id, timer, pending, this.#record?.at ?? 0);
    this.#settling.begin();
    return this.#beginAnew("released");
  }

  /** Ends the incarnation, in quarantine or not, and begins the next as if it had never crashed. */
  async restart(): Promise<boolean> {
    if (this.#standing.state === "quarantined") return this.release();
    const renewing = { state: "renewing" } as const;
    this.#standing = renewing;
    this.#pendingRestart.cancel();
    this.#past.forget();
    const before = this.#endEffects();
    this.#incarnation++;
    // No effect starts before its step is durable: this commit is after those of all steps.
    await this.#host.store.commit([]);
    await before.farewell();
    return !this.#stopped && this.#standing === renewing && this.#beginAnew("restarted");
  }

  /** Resolves when the item, or all that follows from it, is durable. Never throws at once: others may wait behind it. */
  async take(item: Item, isOwn = false): Promise<void> {
    try {
      await this.#take(item, isOwn);
    } finally {
      this.#relax();
    }
  }

  deliver(stimulus: Stimulus, cause: string): Promise<void> {
    return this.take({ stimulus, cause, crashes: 0 }, true);
  }

  owns(key: string): boolean {
    return this.#rows.has(key);
  }

  done(key: string): void {
    this.#rows.delete(key);
    this.#host.ride([del(key), del(keys.checkpoint(key))]);
    this.#relax();
  }

  beat(key: string): void {
    if (this.#silence?.key === key) this.#silence = undefined;
  }

  silent(key: string, error: EffectSilent): void {
    if (this.#stopped || this.#standing.state !== "running" || !this.#rows.has(key)) return;
    const crash = this.#endIncarnation("silence", error, this.#host.clock.now());
    this.#silence = { key, crash };
    void this.#awaitRestart(crash, []).catch(() => undefined);
  }

  abandon(key: string, { start }: EffectRow, error: unknown): void {
    const letter: DeadLetterRow = { effect: start, at: this.#host.clock.now(), error: toFailure(error) };
    const letterKey = keys.deadLetter(this.id, this.#host.sequence());
    this.#rows.delete(key);
    const writes = [put(letterKey, letter), del(key), del(keys.checkpoint(key))];
    void this.#host.store.commit(writes).catch(() => undefined);
    this.#host.notice({ kind: "deadLetter", letter: letterOf(letterKey, letter) });
    this.#relax();
  }

  /** Does an action that had been abandoned; its row is in the store. */
  redo(key: string, row: EffectRow): void {
    this.#rows.set(key, row);
    this.#start(key, row, true);
  }

  /** Aborts the effects; resolves when none runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pendingRestart.cancel();
    this.#past.stop();
    this.#settling.cancel();
    this.#runner.abortAll("the host stops");
    await this.#runner.settled();
  }

  #beginAnew(kind: "released" | "restarted"): true {
    this.#host.notice({ kind, actor: this.id });
    this.resume();
    this.#host.rest(this);
    return true;
  }

  #take(item: Item, isOwn: boolean): Promise<void> {
    const known = this.#knownAs(item);
    if (known !== undefined) return known;
    const mayWait = this.#settling.isUnderWay && item.stimulus.kind === "event" && !isOwn;
    if (this.#standing.state !== "running" || mayWait) return this.#hold(item);
    const at = this.#host.clock.now();
    const steps: Step[] = [];
    try {
      if (!this.#record && this.#behaviour.wakes(item.stimulus)) this.#tryStep(steps, { kind: "start" }, at);
      this.#tryStep(steps, item.stimulus, at);
    } catch (error) {
      return this.#crash(item, error, at);
    }
    if (isNotice(item)) this.#settling.begin();
    return this.#commit(item, steps);
  }

  #takeHeld(): void {
    // Each is either taken, or held again by one before it that crashes the actor, or has it settle.
    for (const item of this.#held.takeAll())
      void this.take(item).catch((error: unknown) => this.#host.untaken(this.id, error));
  }

  /** Called whenever it may have nothing to do any more. */
  #relax(): void {
    this.#settling.endIf(this.#rows.size === 0);
    this.#host.rest(this);
  }

  #knownAs({ id, key }: Item): Promise<void> | undefined {
    if (id === undefined) return undefined;
    const known = this.#known.find(id) ?? (this.#held.has(id) ? this.#host.store.commit([]) : undefined);
    if (known !== undefined && key !== undefined) this.#host.ride([del(key)]);
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

  #commit({ id, key, cause, stimulus }: Item, steps: readonly Step[]): Promise<void> {
    const batches = steps.map((taken) => this.#absorb(taken, cause));
    const writes = batches.flatMap((batch) => batch.writes);
    if (key !== undefined) writes.push(del(key));
    if (id !== undefined && this.#record) writes.push(put(keys.seen(this.id, id), this.#host.clock.now()));
    if (stimulus.kind === "timer" && this.#record?.timers[stimulus.timer] === undefined)
      writes.push(del(keys.timer(this.id, stimulus.timer)));
    if (writes.length === 0) return Promise.resolve();
    this.#uncommitted++;
    const durable = this.#host.store
      .commit(writes)
      .finally(() => this.#uncommitted--)
      .then(() => {
        for (const batch of batches) batch.letLoose();
      });
    return this.#known.add(id, durable);
  }

  /** Makes the step the actor's present. What it sets loose waits until the writes are durable. */
  #absorb(taken: Step, cause: string | undefined): { writes: readonly Write[]; letLoose: () => void } {
    const batch = stepBatch(taken, this.#record, cause, this.#host.sequence);
    this.#record = taken.record;
    this.#fresh = [...this.#fresh, batch.line];
    const ended = new Set(taken.ended);
    const endedKeys = [...this.#rows]
      .filter(([, { start }]) => start.kind !== "action" && ended.has(start.generation))
      .map(([key]) => key);
    for (const key of endedKeys) this.#rows.delete(key);
    for (const [key, row] of batch.started) this.#rows.set(key, row);
    return {
      writes: [...batch.writes, ...endedKeys.flatMap((key) => [del(key), del(keys.checkpoint(key))])],
      letLoose: () => this.#letLoose(taken, batch, endedKeys),
    };
  }

  #letLoose(taken: Step, { started, farewells, tells, line }: StepBatch, endedKeys: readonly string[]): void {
    const { timers } = this.#host;
    const { record, replies } = taken;
    this.#fresh = this.#fresh.filter(({ revision }) => revision > line.revision);
    for (const { generation, event } of farewells) this.#runner.send(generation, event);
    for (const key of endedKeys) this.#runner.end(key);
    for (const [key, row] of started) this.#start(key, row, false);
    for (const timer of taken.timers.cancel) timers.cancel(this.id, timer);
    for (const timer of taken.timers.set) {
      const pending = record.timers[timer];
      if (pending) timers.set(this.id, timer, pending, record.at);
    }
    for (const [to, item] of tells) this.#host.forward(to, item);
    for (const reply of replies) this.#host.reply(reply);
    this.#host.committed({ record, line });
  }

  /** Runs an effect whose row is durable, unless a later step has ended it or the incarnation is over. */
  #start(key: string, row: EffectRow, restarted: boolean): void {
    if (this.#rows.has(key) && this.#standing.state === "running") this.#runner.start(key, row, restarted);
  }

  /** Keeps an item for the next incarnation. Results and timers need no row: what brings them is in the store. */
  #hold(item: Item): Promise<void> {
    if (item.stimulus.kind !== "event" || item.key !== undefined) {
      this.#held.add(item);
      return Promise.resolve();
    }
    const { key: _, ...row } = item;
    const key = keys.inbox(this.id, this.#host.sequence());
    this.#held.add({ ...row, key });
    return this.#host.store.commit([put(key, row)]);
  }

  #crash(item: Item, error: unknown, at: number): Promise<void> {
    const { stimulus } = item;
    const report = this.#endIncarnation(stimulus.kind === "event" ? stimulus.event.type : stimulus.kind, error, at);
    const { crashesPerEvent } = this.#host.policy;
    const { letter, next, writes } = crashedItem(item, report, crashesPerEvent, this.#host.sequence);
    if (next === undefined) this.#standing = { state: "quarantined", crash: report };
    else this.#held.addFirst(next);
    if (letter !== undefined) this.#host.notice({ kind: "deadLetter", letter: letterOf(...letter) });
    return this.#awaitRestart(report, writes);
  }

  /** Late results of its effects go nowhere. */
  #endIncarnation(stimulus: string, error: unknown, at: number): CrashReport {
    const { runner, store } = this.#host;
    this.#endEffects();
    const crash: CrashReport = {
      id: `${at}-${this.#host.sequence()}`,
      actor: this.id,
      at,
      incarnation: this.#incarnation++,
      stimulus,
      error: toFailure(error),
      journal: lastLines(store, this.id, this.#record?.revision ?? 0, this.#fresh),
    };
    const wait = this.#past.add(`${runner.jitterSeed} ${crash.id}`);
    this.#standing =
      wait === undefined ? { state: "quarantined", crash } : { state: "restarting", until: at + wait, crash };
    this.#host.crashed(crash);
    return crash;
  }

  #awaitRestart(crash: CrashReport, writes: readonly Write[]): Promise<void> {
    const health = this.#standing;
    if (health.state === "quarantined") this.#host.notice({ kind: "quarantined", actor: this.id, crash: crash.id });
    // The next incarnation begins after this commit, and so after all before it: no effect starts before its step is durable.
    this.#reported = this.#host.store.commit([put(keys.crash(this.id, crash.at, crash.incarnation), crash), ...writes]);
    return this.#reported.then(() => this.#restartAfter(crash));
  }

  #restartAfter({ at }: CrashReport): void {
    if (this.#stopped || this.#standing.state !== "restarting") return;
    this.#pendingRestart.at(
      this.#standing.until,
      at,
      () => {
        this.resume();
        this.#host.rest(this);
      },
      (until) => {
        if (this.#standing.state === "restarting") this.#standing = { ...this.#standing, until };
      },
    );
  }

  #endEffects(): EffectRunner {
    const before = this.#runner;
    this.#settling.cancel();
    before.abortAll("the incarnation ended");
    this.#runner = new EffectRunner(this.id, this.#behaviour, this.#host.store, this, this.#host.runner);
    return before;
  }
}
