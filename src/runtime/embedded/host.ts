import { type ActorId, actorId, idPrefix, partsOf } from "../actor-id.ts";
import type { Behaviour } from "../behaviour.ts";
import { type Cancel, type Clock, sleep } from "../clock.ts";
import {
  type CrashReport,
  damagedReport,
  defaultRestartPolicy,
  parseCrashReport,
  type RestartPolicy,
} from "../crash.ts";
import { defaultActionLife } from "../effect.ts";
import {
  type AcceptOptions,
  type AskOptions,
  type Health,
  type Host,
  HostStopped,
  MailboxFull,
  type Notice,
  type Transition,
} from "../host.ts";
import { damagedLine, type JournalLine, parseJournalLine } from "../journal.ts";
import { assertPlainJson } from "../json.ts";
import { type ActorEvent, type ActorRecord, parseRecord } from "../record.ts";
import { type BudgetPolicy, defaultBudget, RestartBudget } from "../supervision/restart-budget.ts";
import { Cell } from "./cell.ts";
import type { CellHost } from "./cell-host.ts";
import { StoredDeadLetters } from "./dead-letters.ts";
import { actorOfKey, keys, ranges, tailOfKey } from "./keys.ts";
import { readPastDamage, scanPastDamage } from "./past-damage.ts";
import { Replies } from "./replies.ts";
import { Retention } from "./retention.ts";
import type { EffectRow, Item } from "./rows.ts";
import { type Store, StoreFailed, type Write } from "./store.ts";
import { TimerSet } from "./timer-set.ts";
import { readUndone } from "./undone.ts";
import { UnreadableRecord, Unrunnable } from "./unrunnable.ts";

export interface EmbeddedHostOptions {
  readonly store: Store;
  readonly behaviours: readonly Behaviour[];
  readonly clock: Clock;
  /** Spreads the backoffs of many actors; the same seed gives the same delays. */
  readonly jitterSeed: string;
  readonly policy?: RestartPolicy;
  /** Restarts that all actors together may have; those beyond it wait. */
  readonly budget?: BudgetPolicy;
  /**
   * Events that an actor may have under way, being committed or held while it restarts or is in quarantine, before it
   * refuses more from outside. What other actors tell it is in the store already, and is held beyond that.
   */
  readonly mailboxLimit?: number;
  /** How long an action is repeated before it becomes a dead letter, ms. */
  readonly actionLife?: number;
  readonly onCrash?: (report: CrashReport) => void;
  readonly onNotice?: (notice: Notice) => void;
  /**
   * Something of an actor that cannot be read stays in the store as it is. One whose record this version cannot run takes
   * no events.
   */
  readonly onUnreadable?: (actor: ActorId, error: unknown) => void;
  /** A subscriber, `onCrash` or `onNotice` threw. The actors go on. */
  readonly onListenerError?: (error: unknown) => void;
}

/** How long a write that rides waits for a commit, ms. */
const longestRide = 1_000;

/** The host that keeps its actors in this process, on one store. */
export class EmbeddedHost implements Host {
  readonly #options: EmbeddedHostOptions;
  readonly #store: Store;
  readonly #behaviours: ReadonlyMap<string, Behaviour>;
  readonly #cells = new Map<ActorId, Cell>();
  readonly #timers: TimerSet;
  readonly #replies: Replies;
  readonly #retention: Retention;
  readonly #shared: CellHost;
  readonly #unrunnable: Unrunnable;
  readonly deadLetters: StoredDeadLetters;
  readonly #listeners = new Set<(transition: Transition) => void>();
  #sequence = 0;
  #cancelFlush: Cancel | undefined;
  #state: "new" | "starting" | "running" | "stopped" = "new";

  constructor(options: EmbeddedHostOptions) {
    const { store, clock, jitterSeed, actionLife = defaultActionLife } = options;
    this.#options = options;
    this.#store = store;
    this.#behaviours = new Map(options.behaviours.map((behaviour) => [behaviour.name, behaviour]));
    this.#timers = new TimerSet(clock, (actor, timer, generation) =>
      this.#give(actor, { stimulus: { kind: "timer", timer, generation }, crashes: 0 }),
    );
    this.#replies = new Replies(clock);
    this.#retention = new Retention(
      store,
      clock,
      (letter) => this.deadLetters.expire(letter),
      (actor, error) => options.onUnreadable?.(actor, error),
    );
    this.#shared = {
      store,
      clock,
      timers: this.#timers,
      policy: options.policy ?? defaultRestartPolicy,
      budget: new RestartBudget(options.budget ?? defaultBudget),
      mailboxLimit: options.mailboxLimit ?? 1_000,
      runner: { clock, jitterSeed, actionLife },
      sequence: () => ++this.#sequence,
      ride: (writes) => this.#ride(writes),
      forward: (to, item) => this.#give(to, item),
      untaken: (actor, error) => this.#untaken(actor, error),
      reply: (reply) => this.#replies.give(reply),
      committed: (transition) => {
        for (const listener of this.#listeners) this.#notify(() => listener(transition));
      },
      crashed: (report) => this.#notify(() => options.onCrash?.(report)),
      notice: (notice) => this.#notify(() => options.onNotice?.(notice)),
      rest: (cell) => {
        if (cell.idle && this.#cells.get(cell.id) === cell) this.#cells.delete(cell.id);
      },
    };
    this.#unrunnable = new Unrunnable(this.#shared.policy);
    this.deadLetters = new StoredDeadLetters({
      ...this.#shared,
      give: (to, item) => this.#give(to, item),
      redo: (actor, key, row) => this.#cell(actor).redo(key, row),
      assertRunning: () => this.#assertRunning(),
      unreadable: (actor, error) => options.onUnreadable?.(actor, error),
    });
  }

  /** Throws StoreUnavailable when what an earlier process left undone is damaged. */
  async start(): Promise<void> {
    if (this.#state !== "new") throw new HostStopped(`the host is ${this.#state}: it starts once`);
    this.#state = "starting";
    const { effects, inbox, timers, sequence } = await readUndone(this.#store, (actor, error) =>
      this.#options.onUnreadable?.(actor, error),
    );
    this.#sequence = sequence;
    const outdated = await this.#outdated();
    // From here to the end nothing waits: no event comes in between what was left undone.
    this.#state = "running";
    const now = this.#options.clock.now();
    for (const { actor, timer, ...pending } of timers)
      this.#timers.set(actor, timer, pending, pending.due > now ? this.#lastStepOf(actor) : now);
    for (const actor of new Set([...effects.keys(), ...inbox.keys(), ...outdated])) {
      try {
        this.#shared.rest(this.#wake(actor, effects.get(actor), inbox.get(actor)));
      } catch (error) {
        this.#options.onUnreadable?.(actor, error);
      }
    }
    this.#retention.start();
  }

  async accept(to: ActorId, event: ActorEvent, options: AcceptOptions = {}): Promise<void> {
    this.#assertRunning();
    assertPlainJson(event, `event "${event.type}"`);
    const cell = this.#cell(to);
    if (cell.full) throw new MailboxFull(`${to} (${cell.health.state}) has too many undelivered events`);
    await cell.take({ stimulus: { kind: "event", event }, ...options, crashes: 0 });
  }

  ask(to: ActorId, event: ActorEvent, options: AskOptions): Promise<unknown> {
    return this.#replies.wait(to, options, (replyTo) => this.accept(to, { ...event, replyTo }));
  }

  read(id: ActorId): ActorRecord | undefined {
    return this.#cells.get(id)?.record ?? this.#stored(id);
  }

  async *list(realm: string, machine: string, ...key: readonly string[]): AsyncIterable<ActorRecord> {
    const exact = actorId(realm, machine, ...key);
    const only = this.#readable(exact, () => this.#store.get(keys.record(exact)));
    if (only !== undefined) yield only;
    for await (const [row, value] of scanPastDamage(
      this.#store,
      `${ranges.record}${idPrefix(realm, machine, ...key)}`,
    )) {
      const record = this.#readable(actorOfKey(row), () => value);
      if (record !== undefined) yield record;
    }
  }

  async journal(id: ActorId): Promise<readonly JournalLine[]> {
    return readPastDamage(this.#store, keys.ofActor(ranges.journal, id), parseJournalLine, (key) =>
      damagedLine(Number(tailOfKey(key))),
    );
  }

  async crashes(id: ActorId): Promise<readonly CrashReport[]> {
    return readPastDamage(this.#store, keys.ofActor(ranges.crash, id), parseCrashReport, (key, error) => {
      const [at, incarnation] = tailOfKey(key).split("|").map(Number);
      return damagedReport(id, { at, incarnation, error });
    });
  }

  health(id: ActorId): Health {
    return this.#cells.get(id)?.health ?? this.#unrunnable.health(id) ?? { state: "running" };
  }

  quarantined(): readonly ActorId[] {
    const cells = [...this.#cells.values()].filter(({ health }) => health.state === "quarantined");
    return [...cells.map(({ id }) => id), ...this.#unrunnable.ids];
  }

  async release(id: ActorId): Promise<boolean> {
    this.#assertRunning();
    return this.#present(id)?.release() ?? false;
  }

  async restart(id: ActorId): Promise<boolean> {
    this.#assertRunning();
    return this.#present(id)?.restart() ?? false;
  }

  subscribe(listener: (transition: Transition) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async drain(deadline: number): Promise<void> {
    this.#state = "stopped";
    this.#timers.close();
    this.#cancelFlush?.();
    this.#replies.close();
    const waited = new AbortController();
    const settled = Promise.all([this.#retention.stop(), ...[...this.#cells.values()].map((cell) => cell.stop())]);
    const late = sleep(this.#options.clock, deadline, waited.signal).catch(() => undefined);
    await Promise.race([settled, late]);
    waited.abort();
    await this.#store.flush();
  }

  #assertRunning(): void {
    if (this.#state !== "running") throw new HostStopped(`the host is ${this.#state}, it takes no events`);
  }

  /** Throws why it cannot be in memory, if that is so. */
  #present(id: ActorId): Cell | undefined {
    const cell = this.#cells.get(id);
    if (cell === undefined) this.#unrunnable.assertNot(id);
    return cell;
  }

  /** An actor that is not in memory has left nothing undone: else it would not have gone to rest. */
  #cell(id: ActorId): Cell {
    return this.#cells.get(id) ?? this.#wake(id);
  }

  /** Puts the actor into memory as its record has it, migrated where that is of an older version. */
  #wake(id: ActorId, effects: ReadonlyMap<string, EffectRow> = new Map(), inbox: readonly Item[] = []): Cell {
    const { machine } = partsOf(id);
    const behaviour = this.#behaviours.get(machine);
    if (behaviour === undefined) throw new UnreadableRecord(`${id}: this version has no chart "${machine}"`);
    const { stored, record } = this.#runnable(id, behaviour);
    this.#unrunnable.forget(id);
    const cell = new Cell(id, behaviour, record, this.#shared);
    this.#cells.set(id, cell);
    cell.adopt(effects, inbox, record !== stored);
    cell.resume();
    return cell;
  }

  /** As it is stored, and as this version of its chart has it. */
  #runnable(id: ActorId, behaviour: Behaviour) {
    try {
      const stored = this.#stored(id);
      return { stored, record: stored && upToDate(stored, behaviour) };
    } catch (error) {
      this.#unrunnable.note(id, error, this.#options.clock.now());
      throw error;
    }
  }

  #stored(id: ActorId): ActorRecord | undefined {
    const text = this.#store.get(keys.record(id));
    return text === undefined ? undefined : readRecord(id, text);
  }

  /** When that was, ms since the epoch. */
  #lastStepOf(actor: ActorId): number {
    return this.#readable(actor, () => this.#store.get(keys.record(actor)))?.at ?? 0;
  }

  /** One record that cannot be read hides no other from whoever lists them. */
  #readable(actor: ActorId, row: () => string | Error | undefined): ActorRecord | undefined {
    try {
      const text = row();
      if (text instanceof Error) throw text;
      return text === undefined ? undefined : readRecord(actor, text);
    } catch (error) {
      // Whoever lists all meets it each time.
      const isKnown = this.#unrunnable.has(actor);
      // One that runs writes its record anew.
      if (!this.#cells.has(actor)) this.#unrunnable.note(actor, error, this.#options.clock.now());
      if (!isKnown) this.#options.onUnreadable?.(actor, error);
      return undefined;
    }
  }

  /** Actors whose records are to be migrated: they may have gained effects and timers. */
  async #outdated(): Promise<readonly ActorId[]> {
    const ids: ActorId[] = [];
    if (![...this.#behaviours.values()].some(({ migrate }) => migrate !== undefined)) return ids;
    for await (const [key] of this.#store.scan(ranges.record)) {
      const id = actorOfKey(key);
      const behaviour = this.#behaviours.get(partsOf(id).machine);
      const version = behaviour?.migrate && this.#stored(id)?.version;
      if (version !== undefined && version !== behaviour?.version) ids.push(id);
    }
    return ids;
  }

  /** For what is in the store already (a row, a timer): when it cannot be taken now, it is taken after the next start. */
  #give(to: ActorId, item: Item): void {
    if (this.#state !== "running") return;
    const taken = async (): Promise<void> => this.#cell(to).take(item);
    void taken().catch((error: unknown) => this.#untaken(to, error));
  }

  /** A store that cannot be written has been reported where it failed. */
  #untaken(actor: ActorId, error: unknown): void {
    if (!(error instanceof StoreFailed)) this.#options.onUnreadable?.(actor, error);
  }

  /** Nothing may ride for long: what was done weeks ago must not be done again, for the world outside has forgotten it. */
  #ride(writes: readonly Write[]): void {
    this.#store.ride(writes);
    if (this.#state !== "running") return;
    this.#cancelFlush ??= this.#options.clock.schedule(longestRide, () => {
      this.#cancelFlush = undefined;
      // A store that cannot be written has been reported where it failed.
      void this.#store.flush().catch(() => undefined);
    });
  }

  /** Whoever watches the host cannot harm it. */
  #notify(watch: () => void): void {
    try {
      watch();
    } catch (error) {
      this.#options.onListenerError?.(error);
    }
  }
}

function readRecord(id: ActorId, text: string): ActorRecord {
  try {
    return parseRecord(text);
  } catch (cause) {
    throw new UnreadableRecord(`${id}: this version cannot read its record`, { cause });
  }
}

function upToDate(record: ActorRecord, behaviour: Behaviour): ActorRecord {
  if (record.version === behaviour.version) return record;
  if (record.version < behaviour.version && behaviour.migrate !== undefined)
    return { ...behaviour.migrate(record), version: behaviour.version };
  throw new UnreadableRecord(
    `${record.id} was written by version ${record.version} of its chart, this is version ${behaviour.version}, ` +
      "and there is no migration between them: run the version that wrote it, or one that migrates it",
  );
}
