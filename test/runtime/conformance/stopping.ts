import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/runtime/effect.ts";
import type { HostWorld } from "../host-conformance.ts";
import { noter, sleeper, toyId, worker } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("worker");

export function stopping(world: () => HostWorld): void {
  describe("drain", () => {
    it("aborts the effects, waits for them, and loses nothing", async () => {
      const ended: string[] = [];
      const careful: Effect = (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () =>
            setImmediate(() => {
              ended.push("cleaned up");
              reject(signal.reason);
            }),
          );
        });
      const first = await world().open({ behaviours: [worker(careful), sleeper()] });
      await first.host.accept(id, { type: "WORK", job: "a" });
      await first.host.accept(toyId("sleeper"), { type: "SLEEP", wait: 1_000 });
      await first.host.drain(1_000);
      expect(ended).toEqual(["cleaned up"]);
      expect(world().clock.pending).toBe(0);
      await first.close();

      const runs: unknown[] = [];
      const { host } = await world().open({
        behaviours: [
          worker(async (input) => {
            runs.push(input);
          }),
          sleeper(),
        ],
      });
      await until(() => runs.length === 1);
      expect(runs).toEqual([{ job: "a" }]);
      await world().clock.pass(1_000);
      await until(() => host.read(toyId("sleeper"))?.revision === 4);
    });

    it("takes no longer than its deadline, whatever an effect does", async () => {
      const { host } = await world().open({ behaviours: [worker(() => new Promise(() => undefined))] });
      await host.accept(id, { type: "WORK", job: "a" });
      let drained = false;
      const draining = host.drain(1_000).then(() => {
        drained = true;
      });
      await world().clock.pass(999);
      expect(drained).toBe(false);
      await world().clock.pass(1);
      await draining;
      expect(world().clock.pending).toBe(0);
    });

    it("lets nothing loose any more, also of events whose commit was under way", async () => {
      const runs: unknown[] = [];
      const effect: Effect = async (input) => {
        runs.push(input);
      };
      const behaviours = [worker(effect), noter(effect), sleeper()];
      const first = await world().open({ behaviours });
      const under = [
        first.host.accept(id, { type: "WORK", job: "a" }),
        first.host.accept(toyId("noter"), { type: "NOTE", n: 1 }),
        first.host.accept(toyId("sleeper"), { type: "SLEEP", wait: 10 }),
      ];
      await first.host.drain(1_000);
      await Promise.all(under);
      await world().clock.pass(1_000);
      expect(runs).toEqual([]);
      expect(world().clock.pending).toBe(0);
      await first.close();
      const { host } = await world().open({ behaviours });
      await until(() => runs.length === 2);
      await world().clock.pass(0);
      await until(() => host.read(toyId("sleeper"))?.revision === 4);
    });

    it("notes what was done: nothing is done again after it", async () => {
      const runs: unknown[] = [];
      const effect: Effect = async (input) => {
        runs.push(input);
      };
      const first = await world().open({ behaviours: [noter(effect)] });
      await first.host.accept(toyId("noter"), { type: "NOTE", n: 1 });
      await until(() => runs.length === 1);
      await first.host.drain(1_000);
      await first.close();
      const { host } = await world().open({ behaviours: [noter(effect)] });
      await host.accept(toyId("noter"), { type: "NOTE", n: 2 });
      await until(() => runs.length === 2);
      expect(runs).toEqual([{ n: 1 }, { n: 2 }]);
    });
  });
}
