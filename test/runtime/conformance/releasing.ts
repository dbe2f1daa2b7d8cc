import { describe, expect, it } from "vitest";
import { reportedLines } from "../../../src/runtime/crash.ts";
import { NoSuchLetter, NotReplayable } from "../../../src/runtime/dead-letter.ts";
import { HostStopped } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { collector, fragile, noter, sleeper, toyId } from "../toys.ts";
import { until } from "../until.ts";
import { add, id, opener, poison, policy, settling } from "./poisoned.ts";

/** What enters quarantine and the dead letters, and what leaves them. */
export function releasing(world: () => HostWorld): void {
  const open = opener(world);
  const settled = settling(world);

  describe("a crash report", () => {
    it("holds the error, and the last lines of the journal, also those that were just being written", async () => {
      const { host } = await open();
      for (let n = 1; n < reportedLines; n++) await host.accept(id, add(n));
      await Promise.all([host.accept(id, add(98)), host.accept(id, add(99)), host.accept(id, poison)]);
      const [report] = await host.crashes(id);
      expect(report?.error.message).toContain("guard");
      expect(report?.journal).toEqual((await host.journal(id)).slice(-reportedLines));
      expect(report?.journal).toHaveLength(reportedLines);
      expect(report?.journal.at(-1)).toMatchObject({ event: "ADD", revision: reportedLines + 2 });
    });

    it("of an actor that never took anything has no lines", async () => {
      const { host } = await open();
      await host.accept(id, poison);
      expect((await host.crashes(id)).map(({ journal }) => journal)).toEqual([[]]);
    });
  });

  describe("an actor in quarantine", () => {
    it("is released by an operator, takes what was kept for it, in order, and may crash as often as before", async () => {
      let isPoison = true;
      const { host } = await open({
        behaviours: [collector(() => isPoison)],
        policy: { ...policy, intensity: 0 },
      });
      await host.accept(id, poison);
      await host.accept(id, add(1));
      await host.accept(id, add(2));
      expect(host.quarantined()).toEqual([id]);
      isPoison = false;
      expect(await host.release(id)).toBe(true);
      expect(host.health(id)).toEqual({ state: "running" });
      expect(host.quarantined()).toEqual([]);
      await until(() => host.read(id)?.revision === 4);
      expect(host.read(id)?.context).toEqual({ numbers: [1, 2], letters: [{ taken: null }] });
      isPoison = true;
      await host.accept(id, poison);
      expect(host.health(id).state).toBe("quarantined");
      expect((await host.crashes(id)).map(({ incarnation }) => incarnation)).toEqual([1, 2]);
    });

    it("goes there again when nothing has changed", async () => {
      const { host } = await open({ policy: { ...policy, intensity: 0 } });
      await host.accept(id, poison);
      expect(await host.release(id)).toBe(true);
      expect(host.health(id).state).toBe("quarantined");
      expect(await host.release(id)).toBe(true);
      // The third crash of this event: the notice of its loss is taken with the next release.
      expect(host.health(id).state).toBe("quarantined");
      await host.release(id);
      await until(() => host.read(id)?.revision === 2);
      expect(host.read(id)?.context).toEqual({ numbers: [], letters: [poison] });
    });

    it("has the effect run again whose result it could not bear", async () => {
      const actor = toyId("fragile");
      const runs: boolean[] = [];
      const { host } = await open({
        behaviours: [
          fragile(async (_, { restarted }) => {
            runs.push(restarted);
            if (restarted) throw new Error("a failure it can bear");
          }),
        ],
      });
      await host.accept(actor, { type: "WORK" });
      await until(() => host.health(actor).state !== "running");
      await settled(host, actor);
      expect(runs).toEqual([false]);
      await until(async () => (await host.deadLetters.list(actor)).length === 1);
      const [letter] = await host.deadLetters.list(actor);
      expect(letter).toMatchObject({ kind: "result", type: "work" });
      await expect(host.deadLetters.replay(letter?.id ?? "")).rejects.toThrow(NotReplayable);
      await host.release(actor);
      await until(() => host.read(actor)?.revision === 3);
      expect(runs).toEqual([false, true]);
      expect(host.health(actor)).toEqual({ state: "running" });
    });

    it("has the timer fire again that it could not bear", async () => {
      const actor = toyId("sleeper");
      let isPoison = true;
      const { host } = await open({
        behaviours: [
          sleeper(() => {
            if (isPoison) throw new Error("cannot wake", { cause: new Error("too tired") });
          }),
        ],
      });
      await host.accept(actor, { type: "SLEEP", wait: 10 });
      await until(async () => {
        await world().clock.pass(10);
        return host.health(actor).state !== "running";
      });
      await settled(host, actor);
      expect(host.health(actor)).toMatchObject({
        state: "quarantined",
        crash: { stimulus: "timer", error: { message: "cannot wake", cause: { message: "too tired" } } },
      });
      isPoison = false;
      await host.release(actor);
      await until(async () => {
        await world().clock.pass(0);
        return host.read(actor)?.revision === 4;
      });
      expect(host.read(actor)?.context["woken"]).toHaveLength(2);
    });

    it("is the only one that is released: others are in no quarantine", async () => {
      const { host } = await open();
      expect(await host.release(id)).toBe(false);
      await host.accept(id, poison);
      expect(host.health(id).state).toBe("restarting");
      expect(await host.release(id)).toBe(false);
      expect(host.health(id).state).toBe("restarting");
    });

    it("is not released by a host that has stopped", async () => {
      const { host } = await open({ policy: { ...policy, intensity: 0 } });
      await host.accept(id, poison);
      await host.drain(1_000);
      await expect(host.release(id)).rejects.toThrow(HostStopped);
    });
  });

  describe("a dead letter", () => {
    it("tells what it was, when and why, and never what it says; also after a restart", async () => {
      const first = await open();
      await first.host.accept(id, poison, { id: "p", cause: "somebody" });
      await settled(first.host);
      const crash = (await first.host.crashes(id)).at(-1);
      const letters = await first.host.deadLetters.list();
      expect(letters).toEqual([
        {
          id: expect.any(String),
          actor: id,
          at: crash?.at,
          kind: "event",
          type: "POISON",
          cause: "somebody",
          crash: crash?.id,
        },
      ]);
      expect(await first.host.deadLetters.list(toyId("collector", "other"))).toEqual([]);
      await first.kill();
      const second = await open();
      expect(await second.host.deadLetters.list(id)).toEqual(letters);
    });

    it("is replayed once, marked as a replay, and its own id stays taken", async () => {
      let isPoison = true;
      const { host } = await open({ behaviours: [collector(() => isPoison)] });
      await host.accept(id, poison, { id: "p" });
      await settled(host);
      const [letter] = await host.deadLetters.list();
      const name = letter?.id ?? "";
      isPoison = false;
      const replays = await Promise.allSettled([host.deadLetters.replay(name), host.deadLetters.replay(name)]);
      expect(replays.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await until(() => host.read(id)?.revision === 3);
      expect(host.read(id)?.context["letters"]).toEqual([poison, { taken: name }]);
      expect(await host.deadLetters.list()).toEqual([]);
      await host.accept(id, poison, { id: "p" });
      expect(host.read(id)?.revision).toBe(3);
      await expect(host.deadLetters.replay(name)).rejects.toThrow(NoSuchLetter);
    });

    it("that is replayed survives a kill", async () => {
      let isPoison = true;
      const first = await open({ behaviours: [collector(() => isPoison)], policy: { ...policy, intensity: 3 } });
      await first.host.accept(id, poison);
      await settled(first.host);
      await first.host.accept(id, poison);
      expect(first.host.health(id).state).toBe("quarantined");
      const [letter] = await first.host.deadLetters.list();
      await first.host.deadLetters.replay(letter?.id ?? "");
      expect(await first.host.deadLetters.list()).toEqual([]);
      await first.kill();
      isPoison = false;
      const { host } = await open({ behaviours: [collector(() => isPoison)] });
      await until(() => host.read(id)?.revision === 4);
      expect(host.read(id)?.context["letters"]).toEqual([poison, { taken: null }, { taken: letter?.id }]);
    });

    it("that is an action is done once more, for a new life", async () => {
      const actor = toyId("noter");
      const done: unknown[] = [];
      let isDown = true;
      const { host } = await open({
        behaviours: [
          noter(async (input) => {
            if (isDown) throw new Error("down");
            done.push(input);
          }),
        ],
        actionLife: 1_000,
      });
      await host.accept(actor, { type: "NOTE", n: 1 });
      await until(async () => {
        await world().clock.pass(1_000);
        return (await host.deadLetters.list(actor)).length === 1;
      });
      const [letter] = await host.deadLetters.list(actor);
      expect(letter).toMatchObject({ kind: "effect", type: "note", error: { message: "down" } });
      isDown = false;
      await host.deadLetters.replay(letter?.id ?? "");
      await until(() => done.length === 1);
      expect(done).toEqual([{ n: 1 }]);
      expect(await host.deadLetters.list()).toEqual([]);
    });

    it("is dropped for good", async () => {
      const first = await open();
      await first.host.accept(id, poison);
      await settled(first.host);
      const [letter] = await first.host.deadLetters.list();
      expect(await first.host.deadLetters.drop(letter?.id ?? "", "it was spam")).toEqual(letter);
      await expect(first.host.deadLetters.drop(letter?.id ?? "", "again")).rejects.toThrow(NoSuchLetter);
      await first.kill();
      const { host } = await open();
      expect(await host.deadLetters.list()).toEqual([]);
      expect(host.read(id)?.context).toEqual({ numbers: [], letters: [poison] });
    });
  });

  describe("many actors that crash at once", () => {
    it("restart no faster than the budget of all allows, each in its turn, and all come back", async () => {
      const budget = { restarts: 3, period: 10_000 };
      let isPoison = true;
      const { host } = await open({ behaviours: [collector(() => isPoison)], budget });
      const actors = Array.from({ length: 10 }, (_, n) => toyId("collector", `${n}`));
      await Promise.all(actors.map((actor) => host.accept(actor, poison)));
      isPoison = false;
      const back = (): number => actors.filter((actor) => host.health(actor).state === "running").length;
      const seen: number[] = [];
      for (let n = 0; n < 4; n++) {
        await world().clock.pass(n === 0 ? 1_000 : budget.period);
        seen.push(back());
      }
      expect(seen).toEqual([3, 6, 9, 10]);
    });
  });
}
