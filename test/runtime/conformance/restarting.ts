import { describe, expect, it } from "vitest";
import { HostStopped } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { collector, toyId, worker } from "../toys.ts";
import { until } from "../until.ts";
import { add, id, opener, poison, policy } from "./poisoned.ts";

/** What an operator restarts. */
export function restarting(world: () => HostWorld): void {
  const open = opener(world);

  describe("an actor that is restarted", () => {
    it("has its effects end and begin again, takes what came meanwhile, and hears nothing of the old ones", async () => {
      const actor = toyId("worker");
      const runs: { readonly restarted: boolean; readonly signal: AbortSignal; readonly finish: () => void }[] = [];
      const { host } = await open({
        behaviours: [
          worker(async (_, { restarted, signal, emit }) => {
            const run = runs.length;
            const { promise, resolve } = Promise.withResolvers<void>();
            runs.push({ restarted, signal, finish: resolve });
            await promise;
            await emit({ type: "PROGRESS", n: run });
            return `result ${run}`;
          }),
        ],
      });
      await host.accept(actor, { type: "WORK", job: 1 });
      await until(() => runs.length === 1);
      const done = host.restart(actor);
      await host.accept(actor, { type: "PING" });
      expect(runs[0]?.signal.aborted).toBe(true);
      runs[0]?.finish();
      expect(await done).toBe(true);
      await until(() => runs.length === 2);
      expect(runs.map(({ restarted }) => restarted)).toEqual([false, true]);
      runs[1]?.finish();
      await until(() => host.read(actor)?.value === "idle");
      expect(host.read(actor)?.context).toEqual({ results: ["result 1"], heard: [1] });
      expect((await host.journal(actor)).filter(({ event }) => event === "PING")).toHaveLength(1);
    });

    it("does not wait for an effect that heeds no abort", async () => {
      const actor = toyId("worker");
      let runs = 0;
      const { host } = await open({
        behaviours: [
          worker(() => {
            runs++;
            return new Promise(() => undefined);
          }),
        ],
      });
      await host.accept(actor, { type: "WORK", job: 1 });
      await until(() => runs === 1);
      const done = host.restart(actor);
      await until(async () => {
        await world().clock.pass(5_000);
        return runs === 2;
      });
      expect(await done).toBe(true);
    });

    it("comes back at once, and is counted no crash from before", async () => {
      let isPoison = true;
      const { host } = await open({
        behaviours: [collector(() => isPoison)],
        policy: { ...policy, minBackoff: 600_000, maxBackoff: 600_000, intensity: 1 },
      });
      await host.accept(id, poison);
      await host.accept(id, add(1));
      expect(host.health(id).state).toBe("restarting");
      isPoison = false;
      expect(await host.restart(id)).toBe(true);
      await until(() => host.read(id)?.context["letters"] !== undefined);
      expect(host.health(id)).toEqual({ state: "running" });
      await until(() => Object(host.read(id)?.context["numbers"]).length === 1);
      isPoison = true;
      await host.accept(id, poison);
      expect(host.health(id)).toMatchObject({ state: "restarting", crashes: { recent: 1 } });
      expect((await host.crashes(id)).map(({ incarnation }) => incarnation)).toEqual([1, 3]);
    });

    it("leaves quarantine", async () => {
      let isPoison = true;
      const { host } = await open({ behaviours: [collector(() => isPoison)], policy: { ...policy, intensity: 0 } });
      await host.accept(id, poison);
      expect(host.health(id).state).toBe("quarantined");
      isPoison = false;
      expect(await host.restart(id)).toBe(true);
      expect(host.health(id)).toEqual({ state: "running" });
    });

    it("is none that is at rest, nor one of a host that has stopped", async () => {
      const { host } = await open();
      await host.accept(id, add(1));
      expect(await host.restart(id)).toBe(false);
      await host.drain(0);
      await expect(host.restart(id)).rejects.toThrow(HostStopped);
    });
  });
}
