import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChildSpec, IntensityExceeded, Supervisor, type SupervisorOptions } from "../../src/runtime/supervisor.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";

type Strategy = SupervisorOptions["strategy"];
type Restart = ChildSpec["restart"];

interface Plan {
  readonly restart: Restart;
  /** How long it takes to start, ms. */
  readonly starting: number;
  /** How long it takes to stop, ms; it may be longer than it has. */
  readonly stopping: number;
  readonly shutdown: number;
}

interface Incarnation {
  readonly signal: AbortSignal;
  readonly end: PromiseWithResolvers<void>;
  up: boolean;
}

const backoff = { minBackoff: 100, maxBackoff: 1_000 };
const period = 10_000;
/** By how much somebody sets the time, ms. */
const set = fc.constantFrom(-86_400_000, -1_000, 0, 86_400_000);
/** Longer than any wait, start or stop of a plan. */
const long = 5_000;

/** Children whose every start and stop is written down. */
class Nursery {
  readonly clock = new SimulatedClock();
  readonly supervisor: Supervisor;
  readonly plans: readonly Plan[];
  readonly incarnations = new Map<string, Incarnation[]>();
  log: string[] = [];
  /** Starts of this child fail so many times more. */
  readonly failing = new Map<string, number>();
  /** Those that are stopping, with the moment until which they may. */
  readonly #stopping = new Map<string, number>();
  escalation: unknown;

  constructor(plans: readonly Plan[], options: Partial<SupervisorOptions>) {
    this.plans = plans;
    this.supervisor = new Supervisor({
      children: plans.map((plan, n) => this.#child(`${n}`, plan)),
      strategy: "one_for_one",
      intensity: 1_000,
      period,
      backoff,
      jitterSeed: "seed",
      clock: this.clock,
      ...options,
    });
    this.supervisor.ended.catch((error: unknown) => {
      this.escalation = error;
    });
  }

  #child(id: string, plan: Plan): ChildSpec {
    return {
      id,
      restart: plan.restart,
      shutdown: plan.shutdown,
      start: async ({ incarnation, signal }) => {
        const all = this.incarnations.get(id) ?? [];
        this.incarnations.set(id, all);
        expect(incarnation).toBe(all.length + 1);
        for (const before of all) expect(before.signal.aborted, "one live incarnation").toBe(true);
        const own: Incarnation = { signal, end: Promise.withResolvers(), up: false };
        all.push(own);
        this.log.push(`start ${id}`);
        await this.#takes(plan.starting);
        const failures = this.failing.get(id) ?? 0;
        this.failing.set(id, failures - 1);
        if (failures > 0) throw new Error("cannot start");
        own.up = true;
        return {
          ended: own.end.promise.finally(() => {
            own.up = false;
          }),
          stop: async () => {
            this.log.push(`stop ${id}`);
            const now = this.clock.now();
            for (const deadline of this.#stopping.values())
              expect(now, "one after the other").toBeGreaterThanOrEqual(deadline);
            this.#stopping.set(id, now + plan.shutdown);
            await this.#takes(plan.stopping);
            this.#stopping.delete(id);
            own.up = false;
          },
        };
      },
    };
  }

  #takes(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.schedule(ms, resolve));
  }

  get live(): readonly string[] {
    return [...this.incarnations].filter(([, all]) => all.some(({ signal }) => !signal.aborted)).map(([id]) => id);
  }

  /** A child ends by itself, if it is up. */
  end(id: string, how: "fails" | "is done"): boolean {
    const last = this.incarnations.get(id)?.at(-1);
    if (last === undefined || !last.up || last.signal.aborted) return false;
    if (how === "fails") last.end.reject(new Error("it broke"));
    else last.end.resolve();
    return true;
  }

  async start(): Promise<void> {
    const started = this.supervisor.start();
    started.catch(() => undefined);
    await this.clock.pass(this.plans.length * long);
    await started;
    this.log = [];
  }

  /** Lets everything happen that is to happen. */
  async calm(): Promise<void> {
    await settled();
    for (let n = 0; n < 100 && this.clock.pending > 0; n++) await this.clock.pass(long);
    await settled();
  }

  /** How long it takes to stop, ms. */
  async stop(): Promise<number> {
    const before = this.clock.now();
    let after: number | undefined;
    void this.supervisor.stop().then(() => {
      after = this.clock.now();
    });
    await this.clock.pass(this.plans.reduce((sum, { shutdown }) => sum + shutdown, 0));
    expect(after, "it stops within the sum of the deadlines").toBeDefined();
    return (after ?? 0) - before;
  }
}

const restart = fc.constantFrom<Restart>("permanent", "transient", "temporary");
const strategy = fc.constantFrom<Strategy>("one_for_one", "one_for_all", "rest_for_one");
const how = fc.constantFrom<"fails" | "is done">("fails", "is done");
const plan: fc.Arbitrary<Plan> = fc.record({
  restart,
  starting: fc.nat(300),
  stopping: fc.nat(300),
  shutdown: fc.nat(200),
});
const plans = fc.array(plan, { minLength: 1, maxLength: 5 });
type Act =
  | { readonly child: number; readonly how: "fails" | "is done" }
  | { readonly pass: number }
  | { readonly failing: number };
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ child: fc.nat(4), how }),
  fc.record({ pass: fc.nat(700) }),
  fc.record({ failing: fc.nat(4) }),
);

function comesBack({ restart: kind }: Plan, ended: "fails" | "is done"): boolean {
  return kind === "permanent" || (kind === "transient" && ended === "fails");
}

/** Whose start is due with the restart of child `n`, by the definition of OTP. */
function together(kind: Strategy, all: readonly Plan[], n: number): readonly number[] {
  const ids = [...all.keys()];
  const set = kind === "one_for_one" ? [n] : kind === "one_for_all" ? ids : ids.slice(n);
  return set.filter((id) => id === n || all[id]?.restart !== "temporary");
}

async function perform(nursery: Nursery, acts: readonly Act[]): Promise<void> {
  for (const one of acts) {
    if ("pass" in one) await nursery.clock.pass(one.pass);
    else if ("failing" in one) nursery.failing.set(`${one.failing}`, 1);
    else if (nursery.end(`${one.child}`, one.how)) await settled();
  }
}

describe("a supervisor, whatever its children do", () => {
  it("starts again exactly those that the strategy and their kind name, in order, the others stopped in reverse before", async () => {
    await fc.assert(
      fc.asyncProperty(plans, strategy, fc.nat(4), how, async (all, kind, chosen, ending) => {
        const n = chosen % all.length;
        const nursery = new Nursery(all, { strategy: kind });
        await nursery.start();
        expect(nursery.end(`${n}`, ending)).toBe(true);
        await nursery.calm();
        const back = all[n] !== undefined && comesBack(all[n], ending);
        const started = back ? together(kind, all, n) : [];
        const ids = [...all.keys()];
        const touched = kind === "one_for_one" ? [] : kind === "one_for_all" ? ids : ids.slice(n);
        const stopped = back ? touched.filter((id) => id !== n).toReversed() : [];
        expect(nursery.log).toEqual([...stopped.map((id) => `stop ${id}`), ...started.map((id) => `start ${id}`)]);
      }),
    );
  });

  it("bears as many restarts within the period as its intensity says, and fails with the next, however the time is set", async () => {
    await fc.assert(
      fc.asyncProperty(plans, strategy, fc.nat(4), set, async (all, kind, intensity, difference) => {
        const permanent = all.map((one): Plan => ({ ...one, restart: "permanent", starting: 0, stopping: 0 }));
        const quick = { minBackoff: 0, maxBackoff: 0 };
        const nursery = new Nursery(permanent, { strategy: kind, intensity, backoff: quick });
        await nursery.start();
        for (let n = 0; n < intensity; n++) {
          expect(nursery.end(`${n % all.length}`, "fails")).toBe(true);
          await nursery.clock.pass(1);
          nursery.clock.set(difference);
        }
        expect(nursery.escalation).toBeUndefined();
        expect(nursery.live).toHaveLength(all.length);
        expect(nursery.end("0", "fails")).toBe(true);
        await nursery.clock.pass(1);
        expect(nursery.escalation).toBeInstanceOf(IntensityExceeded);
        expect(nursery.live).toEqual([]);
        await nursery.calm();
        expect(nursery.clock.pending).toBe(0);
      }),
    );
  });

  it("bears that many in each period, for ever, however the time is set", async () => {
    await fc.assert(
      fc.asyncProperty(
        plans,
        strategy,
        fc.integer({ min: 1, max: 4 }),
        set,
        async (all, kind, intensity, difference) => {
          const permanent = all.map((one): Plan => ({ ...one, restart: "permanent", starting: 0, stopping: 0 }));
          const quick = { minBackoff: 0, maxBackoff: 0 };
          const nursery = new Nursery(permanent, { strategy: kind, intensity, backoff: quick });
          await nursery.start();
          for (let n = 0; n < 5 * intensity; n++) {
            expect(nursery.end("0", "fails")).toBe(true);
            await nursery.clock.pass(Math.ceil(period / intensity));
            nursery.clock.set(difference);
          }
          expect(nursery.escalation).toBeUndefined();
        },
      ),
    );
  });

  it("has one live incarnation of each, whatever ends and cannot start, and in the end all that come back are up", async () => {
    await fc.assert(
      fc.asyncProperty(plans, strategy, fc.array(act, { maxLength: 30 }), async (all, kind, acts) => {
        const permanent = all.map((one): Plan => ({ ...one, restart: "permanent" }));
        const nursery = new Nursery(permanent, { strategy: kind });
        await nursery.start();
        await perform(nursery, acts);
        await nursery.calm();
        expect([...nursery.live].sort()).toEqual([...all.keys()].map(String));
        expect(nursery.clock.pending).toBe(0);
      }),
    );
  });

  it("starts none before those that it depends on are up", async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.array(act, { maxLength: 30 }), async (all, acts) => {
        const permanent = all.map((one): Plan => ({ ...one, restart: "permanent" }));
        const nursery = new Nursery(permanent, { strategy: "rest_for_one" });
        await nursery.start();
        const push = nursery.log.push.bind(nursery.log);
        nursery.log.push = (line) => {
          const [what, id] = line.split(" ");
          const before = [...Array(Number(id)).keys()].map((n) => nursery.incarnations.get(`${n}`)?.at(-1));
          // Whoever has broken meanwhile is looked at next.
          if (what === "start") for (const one of before) expect(one?.up === true || one?.signal.aborted).toBe(true);
          return push(line);
        };
        await perform(nursery, acts);
        await nursery.calm();
      }),
    );
  });

  it("asked to stop at any moment, stops all within the sum of their deadlines, in reverse, and starts nothing more", async () => {
    await fc.assert(
      fc.asyncProperty(
        plans,
        strategy,
        fc.nat(1_000),
        fc.array(act, { maxLength: 12 }),
        async (all, kind, early, acts) => {
          const nursery = new Nursery(all, { strategy: kind });
          nursery.supervisor.start().catch(() => undefined);
          await nursery.clock.pass(early);
          await perform(nursery, acts);
          nursery.log = [];
          await nursery.stop();
          expect(nursery.live).toEqual([]);
          await nursery.calm();
          const stops = nursery.log.filter((line) => line.startsWith("stop"));
          expect(nursery.log).toEqual(stops);
          expect(stops.length).toBe(new Set(stops).size);
          expect(nursery.clock.pending).toBe(0);
          expect([...(await nursery.supervisor.stop())]).toEqual([]);
        },
      ),
    );
  });

  it("that runs stops each once, last first", async () => {
    await fc.assert(
      fc.asyncProperty(plans, strategy, async (all, kind) => {
        const nursery = new Nursery(all, { strategy: kind });
        await nursery.start();
        await nursery.stop();
        expect(nursery.log).toEqual([...all.keys()].toReversed().map((n) => `stop ${n}`));
      }),
    );
  });
});
