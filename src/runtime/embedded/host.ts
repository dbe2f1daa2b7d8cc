import { z } from "zod";
import { type ActorId, idPrefix, partsOf } from "../actor-id.ts";
import type { Behaviour } from "../behaviour.ts";
import { type Clock, sleep } from "../clock.ts";
import { type CrashReport, defaultRestartPolicy, type RestartPolicy } from "../crash.ts";
import {
  type AcceptOptions,
  type AskOptions,
  type Health,
  type Host,
  HostStopped,
  MailboxFull,
  NoReply,
  type Transition,
} from "../host.ts";
import { type JournalLine, parseJournalLine } from "../journal.ts";
import { type ActorEvent, type ActorRecord, parseRecord } from "../record.ts";
import type { Reply } from "../step.ts";
import { Cell, type CellHost, type Item } from "./cell.ts";
import { type EffectRow, effectRow, inboxRow } from "./effect-row.ts";
import { actorOfKey, keys, tailOfKey } from "./keys.ts";
import type { Store } from "./store.ts";
import { TimerSet } from "./timer-set.ts";

export interface EmbeddedHostOptions {
  readonly store: Store;
  readonly behaviours: readonly Behaviour[];
  readonly clock: Clock;
  /** Spreads the backoffs of many actors; the same seed gives the same delays. */
  readonly jitterSeed: string;
  readonly policy?: RestartPolicy;
  /** Events that a suspended actor holds before it refuses more. */
  readonly mailboxLimit?: number;
  /** How long an action is repeated before it becomes a dead letter, ms. */
  readonly actionLife?: number;
  readonly onCrash?: (report: CrashReport) => void;
  /** An actor whose record this version cannot run. It stays in the store as it is, and takes no events. */
  readonly onUnreadable?: (actor: ActorId, error: unknown) => void;
}

/** An actor's stored record cannot be run by this version of its chart. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
}

const timerRow = z.object({ due: z.number(), generation: z.number() });

/** The host that keeps its actors in this process, on one store. */
export class EmbeddedHost implements Host {
  readonly #options: EmbeddedHostOptions;
  readonly #store: Store;
  readonly #behaviours: ReadonlyMap<string, Behaviour>;
  readonly #cells = new Map<ActorId, Cell>();
  readonly #timers: TimerSet;
  readonly #shared: CellHost;
  readonly #listeners = new Set<(transition: Transition) => void>();
  readonly #waiting = new Map<string, (value: unknown) => void>();
  #sequence = 0;
  #asked = 0;
  #state: "new" | "running" | "stopped" = "new";

  constructor(options: EmbeddedHostOptions) {
    const { store, clock, jitterSeed, actionLife = 24 * 3_600_000 } = options;
    this.#options = options;
    this.#store = store;
    this.#behaviours = new Map(options.behaviours.map((behaviour) => [behaviour.name, behaviour]));
    this.#timers = new TimerSet(clock, (actor, timer, generation) =>
      this.#give(actor, { stimulus: { kind: "timer", timer, generation }, crashes: 0 }),
    );
    this.#shared = {
      store,
      clock,
      timers: this.#timers,
      policy: options.policy ?? defaultRestartPolicy,
      mailboxLimit: options.mailboxLimit ?? 1_000,
      runner: { clock, jitterSeed, actionLife },
      sequence: () => ++this.#sequence,
      forward: (to, item) => this.#give(to, item),
      reply: (reply) => this.#reply(reply),
      committed: (transition) => {
        for (const listener of this.#listeners) listener(transition);
      },
      crashed: (report) => options.onCrash?.(report),
      rest: (cell) => {
        if (cell.idle) this.#cells.delete(cell.id);
      },
    };
  }

  async start(): Promise<void> {
    const rows = new Map<ActorId, Map<string, EffectRow>>();
    for await (const [key, value] of this.#store.scan("o|"))
      entry(rows, actorOfKey(key), () => new Map()).set(key, effectRow.parse(JSON.parse(value)));
    const inbox = new Map<ActorId, Item[]>();
    for await (const [key, value] of this.#store.scan("i|")) {
      this.#sequence = Math.max(this.#sequence, Number(tailOfKey(key)));
      entry(inbox, actorOfKey(key), () => []).push({ ...inboxRow.parse(JSON.parse(value)), key });
    }
    for await (const [key] of this.#store.scan("d|")) this.#sequence = Math.max(this.#sequence, Number(tailOfKey(key)));
    this.#state = "running";
    for await (const [key, value] of this.#store.scan("t|")) {
      const { due, generation } = timerRow.parse(JSON.parse(value));
      this.#timers.set(actorOfKey(key), tailOfKey(key), due, generation);
    }
    for (const actor of new Set([...rows.keys(), ...inbox.keys()])) {
      try {
        const cell = this.#cell(actor);
        cell.adopt(rows.get(actor) ?? new Map(), inbox.get(actor) ?? []);
        cell.resume();
      } catch (error) {
        this.#options.onUnreadable?.(actor, error);
      }
    }
  }

  async accept(to: ActorId, event: ActorEvent, options: AcceptOptions = {}): Promise<void> {
    if (this.#state !== "running") throw new HostStopped(`the host is ${this.#state}, it takes no events`);
    const cell = this.#cell(to);
    if (cell.full) throw new MailboxFull(`${to} (${cell.health.state}) has too many undelivered events`);
    await cell.take({ stimulus: { kind: "event", event }, ...options, crashes: 0 });
  }

  async ask(to: ActorId, event: ActorEvent, { timeout, signal }: AskOptions): Promise<unknown> {
    const replyTo = `ask-${++this.#asked}`;
    const answer = new Promise<unknown>((resolve) => this.#waiting.set(replyTo, resolve));
    const waited = new AbortController();
    try {
      await this.accept(to, { ...event, replyTo });
      const late = sleep(this.#options.clock, timeout, waited.signal).then(() => {
        throw new NoReply(`${to} did not answer "${event.type}" within ${timeout} ms`);
      });
      const aborted = new Promise<never>((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { signal: waited.signal, once: true });
      });
      return await Promise.race([answer, late, aborted]);
    } finally {
      waited.abort();
      this.#waiting.delete(replyTo);
    }
  }

  read(id: ActorId): ActorRecord | undefined {
    const cell = this.#cells.get(id);
    if (cell !== undefined) return cell.record;
    const text = this.#store.get(keys.record(id));
    return text === undefined ? undefined : parseRecord(text);
  }

  async *list(realm: string, machine: string): AsyncIterable<ActorRecord> {
    for await (const [, value] of this.#store.scan(`r|${idPrefix(realm, machine)}`)) yield parseRecord(value);
  }

  async journal(id: ActorId): Promise<readonly JournalLine[]> {
    const lines: JournalLine[] = [];
    for await (const [, value] of this.#store.scan(`j|${id}|`)) lines.push(parseJournalLine(value));
    return lines;
  }

  health(id: ActorId): Health {
    return this.#cells.get(id)?.health ?? { state: "running" };
  }

  subscribe(listener: (transition: Transition) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async drain(deadline: number): Promise<void> {
    this.#state = "stopped";
    this.#timers.clear();
    const waited = new AbortController();
    const settled = Promise.all([...this.#cells.values()].map((cell) => cell.stop()));
    const late = sleep(this.#options.clock, deadline, waited.signal).catch(() => undefined);
    await Promise.race([settled, late]);
    waited.abort();
    await this.#store.flush();
  }

  #cell(id: ActorId): Cell {
    const known = this.#cells.get(id);
    if (known !== undefined) return known;
    const { machine } = partsOf(id);
    const behaviour = this.#behaviours.get(machine);
    if (behaviour === undefined) throw new UnreadableRecord(`${id}: this version has no chart "${machine}"`);
    const text = this.#store.get(keys.record(id));
    const record = text === undefined ? undefined : upToDate(parseRecord(text), behaviour);
    const cell = new Cell(id, behaviour, record, this.#shared);
    this.#cells.set(id, cell);
    return cell;
  }

  /** For what is in the store already (a row, a timer): when it cannot be taken now, it is taken after the next start. */
  #give(to: ActorId, item: Item): void {
    if (this.#state !== "running") return;
    try {
      void this.#cell(to)
        .take(item)
        .catch(() => undefined);
    } catch (error) {
      this.#options.onUnreadable?.(to, error);
    }
  }

  #reply({ to, value }: Reply): void {
    this.#waiting.get(to)?.(value);
  }
}

function upToDate(record: ActorRecord, behaviour: Behaviour): ActorRecord {
  if (record.version === behaviour.version) return record;
  if (record.version < behaviour.version && behaviour.migrate !== undefined) return behaviour.migrate(record);
  throw new UnreadableRecord(
    `${record.id} was written by version ${record.version} of its chart, this is version ${behaviour.version}, ` +
      "and there is no migration between them: run the version that wrote it, or one that migrates it",
  );
}

function entry<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
