import { describe, expect, it } from "vitest";
import type { EffectContext } from "../../../src/runtime/effect.ts";
import { MailboxFull } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { fragile, noter, toyId } from "../toys.ts";
import { until } from "../until.ts";
import { add, id, opener, poison, policy, settling } from "./poisoned.ts";

export function crashing(world: () => HostWorld): void {
  const open = opener(world);
  const settled = settling(world);

  describe("an actor whose chart throws", () => {
    it("leaves a report of each crash, oldest first, also after a restart", async () => {
      const first = await open();
      await first.host.accept(id, poison);
      await settled(first.host);
      await first.host.accept(id, add(1));
      const reports = await first.host.crashes(id);
      expect(reports.map(({ incarnation, stimulus }) => [incarnation, stimulus])).toEqual([
        [1, "POISON"],
        [2, "POISON"],
        [3, "POISON"],
      ]);
      expect(await first.host.crashes(toyId("collector", "other"))).toEqual([]);
      await first.host.drain(1_000);
      await first.close();
      const second = await open();
      expect(await second.host.crashes(id)).toEqual(reports);
    });

    it("restarts no later where the clock is set back before its report is durable", async () => {
      const { clock } = world();
      const { host } = await open();
      const crashed = host.accept(id, poison);
      clock.set(-3_600_000);
      await crashed;
      await clock.pass(240);
      await until(async () => (await host.crashes(id)).length === 2);
    });

    it("restarts after a backoff, takes its event again, and then what came meanwhile", async () => {
      const { host } = await open();
      const now = world().clock.now();
      await host.accept(id, add(1));
      await host.accept(id, poison);
      const health = host.health(id);
      expect(health).toMatchObject({
        state: "restarting",
        crash: {
          actor: id,
          at: now,
          incarnation: 1,
          stimulus: "POISON",
          error: { message: expect.stringContaining("guard") },
        },
      });
      expect(health.state === "restarting" && health.until - now).toBeGreaterThanOrEqual(160);
      expect(health.state === "restarting" && health.until - now).toBeLessThanOrEqual(240);
      await host.accept(id, add(2));
      await host.accept(toyId("collector", "other"), add(3));
      expect(host.read(id)?.context["numbers"]).toEqual([1]);
      expect(host.read(toyId("collector", "other"))?.context["numbers"]).toEqual([3]);
      await settled(host);
      expect(host.health(id)).toEqual({ state: "running" });
      await until(() => host.read(id)?.revision === 4);
      expect(host.read(id)?.context).toEqual({ numbers: [1, 2], letters: [poison] });
      await until(async () => (await host.journal(id)).length === 4);
      expect((await host.journal(id)).map(({ event }) => event)).toEqual(["xstate.init", "ADD", "deadLetter", "ADD"]);
    });

    it("gets a dead letter after three crashes, however often the host is killed in between", async () => {
      const first = await open();
      await first.host.accept(id, poison, { id: "p" });
      await first.host.accept(id, add(1));
      expect(first.host.health(id)).toMatchObject({ state: "restarting", crash: { incarnation: 1 } });
      await first.kill();
      const second = await open();
      expect(second.host.health(id).state).toBe("restarting");
      await second.host.accept(id, add(2));
      await second.kill();
      const third = await open();
      await until(() => third.host.health(id).state !== "running");
      await settled(third.host);
      await until(() => third.host.read(id)?.revision === 4);
      expect(third.host.read(id)?.context).toEqual({ numbers: [1, 2], letters: [poison] });
      await third.host.accept(id, poison, { id: "p" });
      expect(third.host.health(id)).toEqual({ state: "running" });
    });

    it("waits longer from crash to crash, up to a bound", async () => {
      const { host } = await open({ policy: { ...policy, crashesPerEvent: 9, intensity: 9 } });
      const waits: number[] = [];
      let last = 0;
      await host.accept(id, poison);
      await until(async () => {
        const health = host.health(id);
        if (health.state !== "restarting") return waits.length === 5;
        if (health.crash.incarnation > last) {
          last = health.crash.incarnation;
          waits.push(health.until - world().clock.now());
        }
        await world().clock.pass(Math.max(0, health.until - world().clock.now()));
        return waits.length === 5;
      });
      for (const [n, longest] of [200, 400, 800, 1_000, 1_000].entries()) {
        expect(waits[n]).toBeGreaterThanOrEqual(0.8 * longest);
        expect(waits[n]).toBeLessThanOrEqual(1.2 * longest);
      }
    });

    it("is quarantined when it crashes more often than it may, and not before", async () => {
      const { host } = await open();
      for (const [n, state] of ["running", "running", "quarantined"].entries()) {
        await host.accept(id, { ...poison, n });
        await settled(host);
        expect(host.health(id).state).toBe(state);
        await world().clock.pass(10);
      }
      // Six crashes within the period were borne, the seventh was not.
      expect(host.health(id)).toMatchObject({ crash: { incarnation: 7 } });
    });

    it("is not quarantined for crashes that are long ago", async () => {
      const { host } = await open();
      for (let n = 0; n < 5; n++) {
        await host.accept(id, { ...poison, n });
        await settled(host);
        expect(host.health(id)).toEqual({ state: "running" });
        await world().clock.pass(policy.period);
      }
      expect(host.read(id)?.context["letters"]).toHaveLength(5);
    });

    it.each([-86_400_000, 86_400_000])(
      "is quarantined all the same, and not sooner, when the time is set by %d ms",
      async (set) => {
        const { host } = await open();
        const states: string[] = [];
        for (let n = 0; n < 3; n++) {
          await host.accept(id, { ...poison, n });
          await settled(host);
          states.push(host.health(id).state);
          world().clock.set(set);
        }
        expect(states).toEqual(["running", "running", "quarantined"]);
        await host.release(id);
        await settled(host);
        await world().clock.pass(policy.period);
        world().clock.set(-set);
        await host.accept(id, { ...poison, n: 3 });
        await settled(host);
        expect(host.health(id)).toEqual({ state: "running" });
      },
    );

    it("keeps each of its events in quarantine once, and refuses those that its mailbox cannot hold", async () => {
      const first = await open({ policy: { ...policy, intensity: 0 }, mailboxLimit: 3 });
      await first.host.accept(id, poison);
      expect(first.host.health(id).state).toBe("quarantined");
      await first.host.accept(id, add(1), { id: "one" });
      await first.host.accept(id, add(1), { id: "one" });
      await first.host.accept(id, add(2));
      await expect(first.host.accept(id, add(3))).rejects.toThrow(MailboxFull);
      await first.kill();
      const { host } = await open();
      await until(() => host.health(id).state === "restarting");
      await settled(host);
      await until(() => host.read(id)?.revision === 4);
      expect(host.read(id)?.context).toEqual({ numbers: [1, 2], letters: [poison] });
    });

    it("is quarantined when it cannot bear the notice of a dead letter either", async () => {
      const actor = toyId("fragile");
      const { host } = await open({ behaviours: [fragile(async () => 1)], policy: { ...policy, intensity: 99 } });
      await host.accept(actor, { type: "POISON" });
      await settled(host, actor);
      expect(host.health(actor)).toMatchObject({
        state: "quarantined",
        crash: { stimulus: "deadLetter", incarnation: 6 },
      });
    });
  });

  describe("a result that crashes its actor", () => {
    it("quarantines it at the third time, and its effect is not run for each", async () => {
      const actor = toyId("fragile");
      const runs: boolean[] = [];
      const { host } = await open({
        behaviours: [
          fragile(async (_, { restarted }) => {
            runs.push(restarted);
          }),
        ],
      });
      await host.accept(actor, { type: "WORK" });
      await until(() => host.health(actor).state !== "running");
      await settled(host, actor);
      expect(host.health(actor)).toMatchObject({ state: "quarantined", crash: { stimulus: "done", incarnation: 3 } });
      expect(runs).toEqual([false]);
    });
  });

  describe("the effects of an actor that crashes", () => {
    it("are aborted, start again with the next incarnation, and what the aborted ones say is dropped", async () => {
      const actor = toyId("noter");
      const contexts: EffectContext[] = [];
      const ends: PromiseWithResolvers<void>[] = [];
      const { host } = await open({
        behaviours: [
          noter((_, context) => {
            contexts.push(context);
            const end = Promise.withResolvers<void>();
            ends.push(end);
            return end.promise;
          }),
        ],
      });
      await host.accept(actor, { type: "NOTE", n: 1 });
      await host.accept(actor, { type: "POISON" });
      expect(contexts[0]?.signal.aborted).toBe(true);
      await expect(contexts[0]?.emit({ type: "NOTE", n: 2 })).rejects.toThrow("the incarnation ended");
      ends[0]?.resolve();
      await settled(host, actor);
      await until(() => host.read(actor)?.revision === 3);
      expect(contexts.map(({ restarted }) => restarted)).toEqual([false, true]);
      expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    });

    it("start only with the next incarnation when their own step was not yet durable", async () => {
      const actor = toyId("noter");
      const done: unknown[] = [];
      const { host } = await open({ behaviours: [noter(async (input) => void done.push(input))] });
      await Promise.all([
        host.accept(actor, { type: "NOTE", n: 1 }),
        host.accept(actor, { type: "POISON" }),
        host.accept(actor, { type: "NOTE", n: 2 }),
      ]);
      expect(done).toEqual([]);
      await settled(host, actor);
      await until(() => done.length === 2);
      expect(done).toEqual([{ n: 1 }, { n: 2 }]);
    });
  });
}
