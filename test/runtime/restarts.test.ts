import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import { Backoff } from "../../src/runtime/supervision/backoff.ts";
import { RestartBudget } from "../../src/runtime/supervision/restart-budget.ts";
import { SlidingWindow } from "../../src/runtime/supervision/sliding-window.ts";
import { memoryHost } from "./memory-host.ts";
import { collector, toyId } from "./toys.ts";

const policy = fc
  .record({ minBackoff: fc.integer({ min: 1, max: 1_000 }), factor: fc.integer({ min: 1, max: 1_000 }) })
  .map(({ minBackoff, factor }) => ({ minBackoff, maxBackoff: minBackoff * factor }));
const gaps = fc.array(fc.nat(2_000), { minLength: 1, maxLength: 60 });

describe("the wait before a restart", () => {
  it("doubles from the shortest to the longest, with a fifth more or less", () => {
    fc.assert(
      fc.property(policy, fc.string(), fc.integer({ min: 1, max: 40 }), (limits, text, failures) => {
        const backoff = new Backoff(limits, 0);
        for (let n = 0; n < failures; n++) {
          const wait = backoff.failed(0, `${text}${n}`);
          const exact = Math.min(limits.maxBackoff, limits.minBackoff * 2 ** n);
          expect(wait).toBeGreaterThanOrEqual(Math.floor(0.8 * exact));
          expect(wait).toBeLessThanOrEqual(Math.ceil(1.2 * exact));
        }
      }),
    );
  });

  it("begins anew after a life as long as the longest, and not after a shorter one", () => {
    fc.assert(
      fc.property(policy, fc.string(), fc.integer({ min: 1, max: 10 }), (limits, text, failures) => {
        const failed = (): Backoff => {
          const backoff = new Backoff(limits, 0);
          for (let n = 0; n < failures; n++) backoff.failed(0, text);
          return backoff;
        };
        const waitAfter = (life: number): number => {
          const backoff = failed();
          backoff.begun(1_000);
          return backoff.failed(1_000 + life, text);
        };
        expect(waitAfter(limits.maxBackoff)).toBe(new Backoff(limits, 0).failed(0, text));
        expect(waitAfter(limits.maxBackoff - 1)).toBe(failed().failed(0, text));
      }),
    );
  });

  it("grows for what does not even begin, however long that has been tried", () => {
    const backoff = new Backoff({ minBackoff: 100, maxBackoff: 1_000 }, 0);
    let now = 0;
    for (let n = 0; n < 20; n++) now += backoff.failed(now, "");
    expect(backoff.failed(now, "")).toBeGreaterThanOrEqual(800);
  });
});

describe("the count of what happened lately", () => {
  it("is that of the last period, however often and when it happened", () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 5_000 }), (all, period) => {
        const window = new SlidingWindow(period);
        const times: number[] = [];
        let now = 0;
        for (const gap of all) {
          now += gap;
          times.push(now);
          expect(window.add(now)).toBe(times.filter((time) => time > now - period).length);
        }
        expect(window.count(now + period)).toBe(0);
      }),
    );
  });
});

describe("the budget of restarts", () => {
  it("gives no more turns than it has within any period, in the order in which they were asked for, none later than needed", () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5_000 }), (all, restarts, period) => {
        const budget = new RestartBudget({ restarts, period });
        const turns: number[] = [];
        let now = 0;
        for (const gap of all) {
          now += gap;
          const turn = budget.turn(now);
          const needed = turns.at(-restarts);
          expect(turn).toBe(Math.max(now, needed === undefined ? now : needed + period));
          expect(turn).toBeGreaterThanOrEqual(turns.at(-1) ?? 0);
          turns.push(turn);
          expect(turns.filter((one) => one > turn - period).length).toBeLessThanOrEqual(restarts);
        }
      }),
    );
  });
});

describe("actors that crash and restart", () => {
  it("take each event once and in order, whatever they crash on in between", async () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant("ADD" as const) }),
      fc.record({ type: fc.constant("POISON" as const), crashes: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ type: fc.constant("pass" as const), ms: fc.nat(900) }),
      fc.record({ type: fc.constant("release" as const) }),
      fc.record({ type: fc.constant("restart" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 25 }), fc.nat(8), fc.nat(50), async (all, intensity, delay) => {
        const id = toyId("collector");
        let left = 0;
        const { host, clock, database } = await memoryHost({
          behaviours: [collector(() => left-- > 0)],
          policy: { crashesPerEvent: 3, minBackoff: 100, maxBackoff: 400, intensity, period: 2_000 },
        });
        database.delay = delay;
        const sent: number[] = [];
        const accepted: Promise<void>[] = [];
        for (const [n, one] of all.entries()) {
          if (one.type === "pass") await clock.pass(one.ms);
          else if (one.type === "release") void host.release(id);
          else if (one.type === "restart") void host.restart(id);
          else if (one.type === "ADD") {
            sent.push(n);
            accepted.push(
              host.accept(id, { type: "ADD", n }, { id: `${n}` }),
              host.accept(id, { type: "ADD", n }, { id: `${n}` }),
            );
          } else {
            left = one.crashes;
            accepted.push(host.accept(id, { type: "POISON", n }));
          }
        }
        left = 0;
        do {
          await clock.pass(1_000);
          void host.release(id);
          await clock.pass(1_000);
        } while (host.health(id).state !== "running");
        await Promise.all(accepted);
        expect(host.health(id)).toEqual({ state: "running" });
        expect(host.read(id)?.context["numbers"] ?? []).toEqual(sent);
        expect(database.keys().filter((key) => key.startsWith("i|"))).toEqual([]);
      }),
    );
  });

  it("wait the shortest time again after a calm life, and show how many crashes are counted against them", async () => {
    const id = toyId("collector");
    const { host, clock } = await memoryHost({
      behaviours: [collector()],
      policy: { crashesPerEvent: 1, minBackoff: 100, maxBackoff: 400, intensity: 5, period: 2_000 },
    });
    const waits: number[] = [];
    const counts: number[] = [];
    for (const calm of [0, 0, 400, 2_000]) {
      await clock.pass(calm);
      await host.accept(id, { type: "POISON" });
      const health = host.health(id);
      if (health.state !== "restarting") throw new Error(`it is ${health.state}`);
      waits.push(health.until - clock.now());
      counts.push(health.crashes.recent);
      expect(health.crashes).toMatchObject({ intensity: 5, period: 2_000 });
      await clock.pass(health.until - clock.now());
    }
    expect(counts).toEqual([1, 2, 3, 1]);
    for (const [n, exact] of [100, 200, 100, 100].entries()) {
      expect(waits[n]).toBeGreaterThanOrEqual(0.8 * exact);
      expect(waits[n]).toBeLessThanOrEqual(1.2 * exact);
    }
  });

  it("restart no faster together than the budget says, however many there are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1_000, max: 20_000 }),
        async (many, restarts, period) => {
          const tries: number[] = [];
          const { host, clock } = await memoryHost({
            behaviours: [collector(() => tries.push(clock.now()) > 0)],
            policy: { crashesPerEvent: 9, minBackoff: 10, maxBackoff: 100, intensity: 9, period: 1_000_000 },
            budget: { restarts, period },
          });
          const actors = Array.from({ length: many }, (_, n) => toyId("collector", `${n}`));
          await Promise.all(actors.map((actor) => host.accept(actor, { type: "POISON" })));
          await clock.pass(5 * period);
          const again = tries.slice(many);
          expect(again.length).toBeGreaterThan(0);
          for (const time of again)
            expect(again.filter((one) => one > time - period && one <= time).length).toBeLessThanOrEqual(restarts);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([["back", -3_600_000] as const, ["ahead", 3_600_000] as const])(
    "wait for nothing but their turn while the clock is set %s, and show when that comes",
    async (_, difference) => {
      const period = 10_000;
      const begun: number[] = [];
      let isPoison = false;
      const { host, clock } = await memoryHost({
        behaviours: [collector(() => isPoison || begun.push(clock.elapsed()) === 0)],
        policy: { crashesPerEvent: 3, minBackoff: 10, maxBackoff: 10, intensity: 9, period: 1_000_000 },
        budget: { restarts: 3, period },
      });
      const actors = Array.from({ length: 11 }, (_, n) => toyId("collector", `${n}`));
      const crash = async (some: readonly ActorId[]): Promise<void> => {
        isPoison = true;
        await Promise.all(some.map((actor) => host.accept(actor, { type: "POISON" })));
        isPoison = false;
        await clock.pass(20);
      };
      const began = clock.elapsed();
      await crash(actors.slice(0, 7));
      clock.set(difference);
      await crash(actors.slice(7));
      const shown = actors.slice(7).map((actor) => {
        const health = host.health(actor);
        return health.state === "restarting" ? Math.floor((health.until - clock.now()) / period) : -1;
      });
      expect(shown.sort()).toEqual([1, 1, 2, 2]);
      await clock.pass(5 * period);
      const turns = begun.map((time) => Math.floor((time - began) / period));
      expect(turns).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3]);
    },
  );
});
