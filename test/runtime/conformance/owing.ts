import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/runtime/effect.ts";
import type { Host } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { debtor, toyId } from "../toys.ts";
import { until } from "../until.ts";
import { opener, policy, settling } from "./poisoned.ts";

const actor = toyId("debtor");
const poison = (n: number) => ({ type: "POISON", n });
const many = { ...policy, intensity: 99 };
/** What becomes of what an actor owes for an event that was given up, while the next one crashes it. */
export function owing(world: () => HostWorld): void {
  const open = opener(world);
  const settled = settling(world);

  /** Lets the time pass for which the actor waits before it begins again, until it is so. */
  const passing = (host: Host, holds: () => boolean): Promise<void> =>
    until(async () => {
      if (!holds()) await settled(host, actor);
      return holds();
    });

  async function give(host: Host, numbers: readonly number[]): Promise<void> {
    for (const n of numbers) await host.accept(actor, poison(n), { id: `p${n}` });
  }

  describe("an actor that is told that an event was given up", () => {
    it("does what it owes for it before the next event that it cannot bear: each once, and undisturbed", async () => {
      const said: unknown[] = [];
      const say: Effect = async (n, { restarted }) => void said.push([n, restarted]);
      const { host } = await open({ behaviours: [debtor(say)], policy: many });
      await give(host, [1, 2, 3]);
      await passing(host, () => said.length === 3);
      expect(said).toEqual([1, 2, 3].map((n) => [n, false]));
      await until(() => host.read(actor)?.value === "free");
      expect(host.health(actor)).toEqual({ state: "running" });
      expect(await host.crashes(actor)).toHaveLength(9);
    });

    it("has done so for all that it gave up by the time that it is quarantined, and for the others when it is released", async () => {
      const said: unknown[] = [];
      const { host } = await open({ behaviours: [debtor(async (n) => void said.push(n))] });
      await give(host, [1, 2, 3, 4]);
      await passing(host, () => host.health(actor).state === "quarantined");
      expect(said).toEqual([1, 2]);
      await host.release(actor);
      await passing(host, () => said.length === 4);
      expect(said).toEqual([1, 2, 3, 4]);
    });

    it("hears its own effects meanwhile, and takes what comes from outside after that", async () => {
      const gate = Promise.withResolvers<void>();
      const say: Effect = async (_, { emit }) => {
        await emit({ type: "HEARD" });
        await gate.promise;
      };
      const { host } = await open({ behaviours: [debtor(say)], policy: many });
      await give(host, [1]);
      await settled(host, actor);
      await until(async () => (await host.journal(actor)).some(({ event }) => event === "HEARD"));
      await host.accept(actor, { type: "PING" });
      expect(host.read(actor)?.context["pings"]).toBe(0);
      gate.resolve();
      await until(() => host.read(actor)?.context["pings"] === 1);
      expect(host.read(actor)?.context["owed"]).toEqual([]);
    });

    it("takes the timer first that came due while it was down: what it owes may wait for that", async () => {
      const said: unknown[] = [];
      const say: Effect = async (n, { restarted }) => {
        said.push([n, restarted]);
        if (said.length === 1) throw new Error("not yet");
      };
      const { host } = await open({ behaviours: [debtor(say)], policy: many });
      await give(host, [1, 2, 3]);
      await passing(host, () => said.length === 4);
      expect(said).toEqual([1, 1, 2, 3].map((n) => [n, false]));
    });

    it("waits for it no longer than the longest wait, and keeps what came meanwhile over a kill", async () => {
      const endless: Effect = () => new Promise(() => undefined);
      const first = await open({ behaviours: [debtor(endless)], policy: many });
      await give(first.host, [1]);
      await settled(first.host, actor);
      await until(() => first.host.read(actor)?.value === "saying");
      await first.host.accept(actor, { type: "PING" }, { id: "one" });
      expect(first.host.read(actor)?.context["pings"]).toBe(0);
      await world().clock.pass(many.maxBackoff);
      expect(first.host.read(actor)?.context["pings"]).toBe(1);
      await give(first.host, [2]);
      await settled(first.host, actor);
      await until(() => first.host.read(actor)?.context["owed"]?.toString() === "1,2");
      await first.host.accept(actor, { type: "PING" }, { id: "two" });
      await first.kill();
      const said: unknown[] = [];
      const { host } = await open({ behaviours: [debtor(async (n) => void said.push(n))], policy: many });
      await until(() => said.length === 2 && host.read(actor)?.context["pings"] === 2);
      expect(said).toEqual([1, 2]);
    });
  });
}
