import type { ActorId } from "../../../src/runtime/actor-id.ts";
import { type Clock, sleep } from "../../../src/runtime/clock.ts";
import type { EffectContext } from "../../../src/runtime/effect.ts";
import { EmbeddedHost } from "../../../src/runtime/embedded/host.ts";
import { Store } from "../../../src/runtime/embedded/store.ts";
import type { ActorEvent } from "../../../src/runtime/record.ts";
import { Lifetime } from "../lifetime.ts";
import { MemoryDatabase } from "../memory-database.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { type CourierEvent, courier, courierId, ledger, ledgerId, type Outside } from "./courier.ts";
import type { Random } from "./random.ts";

export type Law =
  | "written first"
  | "nothing lost"
  | "nothing twice"
  | "in order"
  | "late results"
  | "history"
  | "nothing left";

export interface Violation {
  readonly law: Law;
  readonly what: string;
}

/** How often what a run is about did happen. */
export interface Hits {
  kills: number;
  resent: number;
  repeatedDeliveries: number;
  repeatedReceipts: number;
  failedDeliveries: number;
  skipped: number;
  crashes: number;
}

interface Sent {
  readonly to: ActorId;
  readonly event: CourierEvent;
  readonly id: string;
  acknowledged: boolean;
}

const couriers = ["ann", "bob", "cat"].map(courierId);
/** How long a commit takes, ms. */
const commit = 40;
const directions = ["north", "east", "south"];

/**
 * A town of couriers on an embedded host that is killed again and again: disk, time and outside world are simulated, so a
 * seed decides everything. The laws are checked on the way and at the end.
 */
export class Town {
  readonly hits: Hits = {
    kills: 0,
    resent: 0,
    repeatedDeliveries: 0,
    repeatedReceipts: 0,
    failedDeliveries: 0,
    skipped: 0,
    crashes: 0,
  };
  readonly violations: Violation[] = [];
  readonly #random: Random;
  readonly #clock = new SimulatedClock();
  #database = new MemoryDatabase(this.#clock);
  readonly #delivered: string[] = [];
  readonly #receipts: string[] = [];
  readonly #sent: Sent[] = [];
  readonly #desks = new Map(couriers.map((id) => [id, { at: 0, open: true }]));
  #parcels = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  async run(lives: number): Promise<void> {
    for (let life = 0; life < lives; life++) await this.#live(false);
    await this.#live(true);
  }

  /** One life of a host, from start to kill, or to its orderly end. */
  async #live(last: boolean): Promise<void> {
    const random = this.#random;
    const lifetime = new Lifetime(this.#clock);
    this.#database.delay = commit;
    const host = new EmbeddedHost({
      store: new Store(this.#database, (error) => {
        throw error;
      }),
      clock: lifetime,
      jitterSeed: "town",
      behaviours: [courier(this.#outside(lifetime)), ledger()],
      policy: { crashesPerEvent: 3, minBackoff: 10, maxBackoff: 20, intensity: 1_000, period: 1_000 },
      onCrash: () => {
        this.hits.crashes++;
      },
    });
    await host.start();
    for (const sent of this.#sent) {
      if (sent.acknowledged) continue;
      this.hits.resent++;
      this.#give(host, sent);
    }
    for (let act = last ? 0 : random.below(30); act > 0; act--) {
      this.#act(host);
      if (random.chance(60)) await this.#clock.pass(random.below(50));
    }
    if (last) return this.#end(host);
    await this.#clock.pass(random.below(200));
    this.hits.kills++;
    lifetime.end();
    this.#database = this.#database.powerLoss();
  }

  /** Something comes from outside. */
  #act(host: EmbeddedHost): void {
    const random = this.#random;
    const to = couriers[random.below(couriers.length)] ?? courierId("ann");
    const desk = this.#desks.get(to) ?? { at: 0, open: true };
    const kind = random.below(20);
    if (kind < 9) this.#send(host, to, { type: "PARCEL", n: this.#parcels++ });
    else if (kind < 12) {
      const known = this.#sent[random.below(this.#sent.length)];
      if (known !== undefined) this.#give(host, known);
    } else if (kind === 12) this.#send(host, to, { type: "POISON", n: this.#parcels++ });
    else if (kind < 15) this.#send(host, to, { type: "SKIP" });
    else if (kind < 18) {
      this.#send(host, to, { type: "TURN" });
      if (desk.open) desk.at++;
    } else {
      this.#send(host, to, { type: desk.open ? "PAUSE" : "RESUME" });
      desk.open = !desk.open;
    }
  }

  #send(host: EmbeddedHost, to: ActorId, event: CourierEvent): void {
    const sent: Sent = { to, event, id: `${this.#sent.length}`, acknowledged: false };
    this.#sent.push(sent);
    this.#give(host, sent);
  }

  #give(host: EmbeddedHost, sent: Sent): void {
    void host.accept(sent.to, sent.event as ActorEvent, { id: sent.id }).then(() => {
      sent.acknowledged = true;
    });
  }

  #outside(lifetime: Clock): Outside {
    const random = this.#random;
    const count = (list: readonly string[], one: string): number => list.filter((other) => other === one).length;
    return {
      deliver: async ({ n }, context) => {
        this.#assertWritten("deliver", n, context);
        // A courier under way does not hear that it is called back.
        const deaf = new AbortController().signal;
        await sleep(lifetime, random.below(60), deaf);
        await context.emit({ type: "ON_THE_WAY", n }).catch(() => undefined);
        await sleep(lifetime, random.below(60), deaf);
        if (random.chance(20)) {
          this.hits.failedDeliveries++;
          throw new Error("nobody at home");
        }
        if (!context.signal.aborted) this.#delivered.push(`${context.self} ${n}`);
        if (count(this.#delivered, `${context.self} ${n}`) > 1) this.hits.repeatedDeliveries++;
        return { n };
      },
      receipt: async ({ n }, context) => {
        this.#assertWritten("receipt", n, context);
        await sleep(lifetime, random.below(30), context.signal);
        if (random.chance(10)) throw new Error("no ink");
        this.#receipts.push(`${context.self} ${n}`);
        if (count(this.#receipts, `${context.self} ${n}`) > 1) this.hits.repeatedReceipts++;
        await sleep(lifetime, random.below(30), context.signal);
      },
    };
  }

  /** The step that asked for an effect is on disk before the effect begins. */
  #assertWritten(name: string, n: number, { self }: EffectContext<CourierEvent>): void {
    const rows = this.#database.durable().filter(([key]) => key.startsWith(`o|${self}|`));
    const found = rows.some(([, row]) => row.includes(`"name":"${name}"`) && row.includes(`"input":{"n":${n}}`));
    if (!found) this.#violated("written first", `${name} ${n} of ${self} began before its step was on disk`);
  }

  async #end(host: EmbeddedHost): Promise<void> {
    await this.#clock.pass(60_000);
    const entered = host.read(ledgerId)?.context["lines"];
    const lines: readonly unknown[] = Array.isArray(entered) ? entered : [];
    for (const id of couriers) {
      const context = host.read(id)?.context ?? {};
      const sent = this.#sent.filter(({ to }) => to === id);
      const parcels = sent.flatMap(({ event }) => (event.type === "PARCEL" ? [event.n] : []));
      const taken = numbers(context["taken"]);
      const skipped = new Set(numbers(context["skipped"]));
      this.hits.skipped += skipped.size;
      for (const { id: name, acknowledged, event } of sent)
        if (!acknowledged) this.#violated("nothing lost", `${event.type} ${name} to ${id} was never acknowledged`);
      for (const n of parcels) {
        if (!taken.includes(n)) this.#violated("nothing lost", `parcel ${n} of ${id} was never taken`);
        if (skipped.has(n)) continue;
        for (const [what, list] of Object.entries({ delivery: this.#delivered, receipt: this.#receipts, line: lines }))
          if (!list.includes(`${id} ${n}`)) this.#violated("nothing lost", `no ${what} of parcel ${n} of ${id}`);
      }
      this.#assertOnce(`parcels taken by ${id}`, taken);
      const order = (list: readonly unknown[]) => unique(list.filter((line) => `${line}`.startsWith(`${id} `)));
      for (const [what, list] of Object.entries({ deliveries: this.#delivered, receipts: this.#receipts, lines })) {
        const expected = taken.map((n) => `${id} ${n}`).filter((line) => list.includes(line));
        const wrong = order(list).findIndex((line, index) => line !== expected[index]);
        if (wrong >= 0) this.#violated("in order", `${what}: ${order(list)[wrong]} came before ${expected[wrong]}`);
      }
      for (const mixup of Object.values(context["mixups"] ?? {})) this.#violated("late results", `${id}: ${mixup}`);
      this.#assertDesk(host, id);
    }
    this.#assertOnce("lines of the ledger", lines);
    const drained = host.drain(1_000);
    await this.#clock.pass(1_000);
    await drained;
    const left = this.#database.keys("r|", "j|", "s|", "c|", "d|");
    if (left.length > 0) this.#violated("nothing left", `${left.length} rows of what is over, as ${left[0]}`);
  }

  #assertOnce(what: string, list: readonly unknown[]): void {
    const repeated = unique(list.filter((one, index) => list.indexOf(one) !== index));
    if (repeated.length > 0) this.#violated("nothing twice", `${what}: ${repeated.join(", ")}`);
  }

  #assertDesk(host: EmbeddedHost, id: ActorId): void {
    const desk = this.#desks.get(id);
    const value: unknown = host.read(id)?.value;
    if (desk === undefined || value === undefined) return;
    const expected = desk.open ? { open: directions[desk.at % directions.length] } : "closed";
    const found: unknown = Reflect.get(Object(value), "desk");
    if (JSON.stringify(found) !== JSON.stringify(expected))
      this.#violated("history", `the desk of ${id} is ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }

  #violated(law: Law, what: string): void {
    this.violations.push({ law, what });
  }
}

function numbers(list: unknown): readonly number[] {
  return Array.isArray(list) ? list.map(Number) : [];
}

function unique<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)];
}
