import { describe, expect, it } from "vitest";
import type { EffectContext } from "../../../src/runtime/effect.ts";
import type { Host } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { toyId, worker } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("worker");
const limit = 10_000;
const policy = { crashesPerEvent: 3, minBackoff: 200, maxBackoff: 1_000, intensity: 3, period: 600_000 };
const work = { type: "WORK", job: 1 };

/** What becomes of an effect that should give signs of life. */
export function silence(world: () => HostWorld): void {
  /** A host with an actor whose every effect is the test's to end. */
  async function working() {
    const contexts: EffectContext[] = [];
    const ends: PromiseWithResolvers<unknown>[] = [];
    const { host } = await world().open({
      behaviours: [
        worker(
          (_, context) => {
            contexts.push(context);
            const end = Promise.withResolvers<unknown>();
            ends.push(end);
            return end.promise;
          },
          { work: limit },
        ),
      ],
      policy,
    });
    await host.accept(id, work);
    await until(() => contexts.length === 1);
    return { host, contexts, ends };
  }

  /** Lets time pass in small pieces: what stands still itself hears nobody. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) await world().clock.pass(Math.min(500, ms - passed));
  }

  const restarted = (host: Host, contexts: readonly EffectContext[], times: number) =>
    until(async () => {
      const health = host.health(id);
      if (health.state === "restarting") await world().clock.pass(Math.max(0, health.until - world().clock.now()));
      return contexts.length === times;
    });

  describe("an effect that has given no sign of life", () => {
    it.each([-3_600_000, 3_600_000])("is found as soon when the time is set by %d ms meanwhile", async (set) => {
      const { host, contexts } = await working();
      world().clock.set(set);
      await pass(limit - 500);
      expect(host.health(id)).toEqual({ state: "running" });
      await pass(500);
      await restarted(host, contexts, 2);
      expect(host.health(id)).toMatchObject({ state: "silent", crash: { stimulus: "silence" } });
    });

    it("is begun again with the next incarnation, the actor is silent until it hears of it, and it takes events", async () => {
      const { host, contexts, ends } = await working();
      await pass(limit - 500);
      expect(host.health(id)).toEqual({ state: "running" });
      await pass(500);
      expect(host.health(id)).toMatchObject({ state: "restarting", crash: { incarnation: 1, stimulus: "silence" } });
      expect(contexts[0]?.signal.aborted).toBe(true);
      await restarted(host, contexts, 2);
      expect(contexts[1]?.restarted).toBe(true);
      expect(host.health(id)).toMatchObject({
        state: "silent",
        crash: { error: { name: "EffectSilent", message: 'the effect "work" has given no sign of life for 10 s' } },
      });
      await host.accept(id, { type: "PING" });
      ends[0]?.resolve("late");
      contexts[1]?.beat();
      expect(host.health(id)).toEqual({ state: "running" });
      ends[1]?.resolve("done");
      await until(() => host.read(id)?.value === "idle");
      expect(host.read(id)?.context["results"]).toEqual(["done"]);
      expect((await host.crashes(id)).map(({ stimulus, journal }) => [stimulus, journal.at(-1)?.event])).toEqual([
        ["silence", "WORK"],
      ]);
    });

    it("is over for its actor when the chart leaves it", async () => {
      const { host, contexts } = await working();
      await pass(limit);
      await restarted(host, contexts, 2);
      expect(host.health(id).state).toBe("silent");
      await host.accept(id, { type: "LEAVE" });
      expect(host.health(id)).toEqual({ state: "running" });
      await pass(2 * limit);
      expect(await host.crashes(id)).toHaveLength(1);
    });

    it("again and again, puts its actor into quarantine", async () => {
      const { host, contexts } = await working();
      for (let n = 2; n <= 4; n++) {
        await pass(limit);
        await restarted(host, contexts, n);
      }
      await pass(limit);
      expect(host.health(id)).toMatchObject({ state: "quarantined", crash: { stimulus: "silence", incarnation: 4 } });
      await host.release(id);
      await restarted(host, contexts, 5);
    });
  });

  describe("an effect is not taken for silent", () => {
    it.each(["beat", "checkpoint", "emit"] as const)("that gives a %s now and then", async (sign) => {
      const { host, contexts } = await working();
      const [context] = contexts;
      for (let n = 0; n < 5; n++) {
        await pass(limit - 500);
        if (sign === "beat") context?.beat();
        else if (sign === "checkpoint") await context?.checkpoint(n);
        else await context?.emit({ type: "PROGRESS", n });
      }
      expect(host.health(id)).toEqual({ state: "running" });
      expect(contexts).toHaveLength(1);
    });

    it("that has ended", async () => {
      const { host, ends } = await working();
      ends[0]?.resolve("done");
      await until(() => host.read(id)?.value === "idle");
      await pass(3 * limit);
      expect(await host.crashes(id)).toEqual([]);
    });

    it("when the process itself stood still", async () => {
      const { host, contexts } = await working();
      world().clock.sleep(10 * limit);
      await world().clock.pass(0);
      expect(host.health(id)).toEqual({ state: "running" });
      contexts[0]?.beat();
      await pass(limit - 500);
      expect(contexts).toHaveLength(1);
      expect(host.health(id)).toEqual({ state: "running" });
    });
  });
}
