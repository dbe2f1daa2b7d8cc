import { describe, expect, it } from "vitest";
import type { Effect, EffectContext } from "../../../src/runtime/effect.ts";
import type { HostWorld } from "../host-conformance.ts";
import { mortal, noter, rememberer, toyId, worker } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("worker");

/** An effect whose runs the test ends by hand. */
class Runs {
  readonly contexts: EffectContext[] = [];
  readonly inputs: unknown[] = [];
  readonly #ends: PromiseWithResolvers<unknown>[] = [];

  readonly effect: Effect = (input, context) => {
    this.inputs.push(input);
    this.contexts.push(context);
    const end = Promise.withResolvers<unknown>();
    this.#ends.push(end);
    context.signal.addEventListener("abort", () => end.reject(context.signal.reason));
    return end.promise;
  };

  get count(): number {
    return this.contexts.length;
  }

  context(run: number): EffectContext {
    const context = this.contexts[run];
    if (context === undefined) throw new Error(`there was no run ${run}`);
    return context;
  }

  finish(run: number, output: unknown): void {
    this.#ends[run]?.resolve(output);
  }

  fail(run: number, error: Error): void {
    this.#ends[run]?.reject(error);
  }
}

export function effects(world: () => HostWorld): void {
  describe("an invoked effect", () => {
    it("gives its output, or its error as plain data, to the chart", async () => {
      const runs = new Runs();
      const { host } = await world().open({ behaviours: [worker(runs.effect)] });
      await host.accept(id, { type: "WORK", job: "a" });
      runs.finish(0, { text: "done" });
      await until(() => host.read(id)?.value === "idle");
      await host.accept(id, { type: "WORK", job: "b" });
      runs.fail(1, Object.assign(new Error("no"), { kind: "busy", retryAfterMs: 5 }));
      await until(() => host.read(id)?.value === "idle");
      expect(runs.inputs).toEqual([{ job: "a" }, { job: "b" }]);
      expect(host.read(id)?.context["results"]).toEqual([
        { text: "done" },
        { name: "Error", message: "no", kind: "busy", retryAfterMs: 5 },
      ]);
    });

    it("fails when its output is not JSON", async () => {
      const { host } = await world().open({ behaviours: [worker(async () => new Map())] });
      await host.accept(id, { type: "WORK", job: "a" });
      await until(() => host.read(id)?.value === "idle");
      expect(host.read(id)?.context["results"]).toEqual([
        expect.objectContaining({
          name: "NotPlainJson",
          message: 'output of "work" is a Map, which JSON does not keep',
        }),
      ]);
    });

    it("starts again after a kill, with the same input, its checkpoint and the messages it was sent", async () => {
      const before = new Runs();
      const first = await world().open({ behaviours: [worker(before.effect)] });
      await first.host.accept(id, { type: "WORK", job: "a" });
      await first.host.accept(id, { type: "SAY", word: "one" });
      const heard: unknown[] = [];
      before.context(0).receive((event) => heard.push(event["word"]));
      await first.host.accept(id, { type: "SAY", word: "two" });
      await before.context(0).checkpoint({ position: 1 });
      await before.context(0).checkpoint({ position: 2 });
      await before.context(0).emit({ type: "PROGRESS", n: 7 });
      expect(heard).toEqual(["one", "two"]);
      expect(before.context(0)).toMatchObject({ self: id, restarted: false, checkpointed: undefined });
      await first.kill();

      const after = new Runs();
      const { host } = await world().open({ behaviours: [worker(after.effect)] });
      await until(() => after.count === 1);
      const again: unknown[] = [];
      after.context(0).receive((event) => again.push(event["word"]));
      expect(after.inputs).toEqual([{ job: "a" }]);
      expect(again).toEqual(["one", "two"]);
      expect(after.context(0)).toMatchObject({ restarted: true, checkpointed: { position: 2 } });
      expect(host.read(id)?.context["heard"]).toEqual([7]);
      after.finish(0, "done");
      await until(() => host.read(id)?.value === "idle");
    });

    it("does not start again when its result was taken, also by a kill in between", async () => {
      const before = new Runs();
      const first = await world().open({ behaviours: [worker(before.effect)] });
      await first.host.accept(id, { type: "WORK", job: "a" });
      before.finish(0, "done");
      await until(() => first.host.read(id)?.value === "idle");
      await first.host.accept(id, { type: "PING" });
      await first.kill();
      const after = new Runs();
      const { host } = await world().open({ behaviours: [worker(after.effect)] });
      await host.accept(id, { type: "PING" });
      expect(after.count).toBe(0);
      expect(host.read(id)?.context["results"]).toEqual(["done"]);
    });

    it("is aborted when its state is left; what it still says is dropped", async () => {
      const runs = new Runs();
      const { host } = await world().open({ behaviours: [worker(runs.effect)] });
      await host.accept(id, { type: "WORK", job: "old" });
      const heard: string[] = [];
      runs.context(0).receive((event) => heard.push(event.type));
      const left = host.accept(id, { type: "LEAVE" });
      // The step is not durable yet, so the effect cannot know: its words are late all the same.
      await expect(runs.context(0).emit({ type: "PROGRESS", n: 1 })).rejects.toThrow("left the state");
      await expect(runs.context(0).checkpoint(1)).rejects.toThrow("left the state");
      await left;
      expect(runs.context(0).signal.aborted).toBe(true);
      expect(heard).toEqual(["BYE"]);
      await expect(runs.context(0).emit({ type: "PROGRESS", n: 2 })).rejects.toThrow("left the state");
      await host.accept(id, { type: "PING" });
      expect(host.read(id)?.context).toEqual({ results: [], heard: [] });
    });

    it("gives nothing to the next of its id: late results are told apart", async () => {
      const ends: PromiseWithResolvers<unknown>[] = [];
      // Does not care about the signal, and answers all the same.
      const stubborn: Effect = () => {
        const end = Promise.withResolvers<unknown>();
        ends.push(end);
        return end.promise;
      };
      const { host } = await world().open({ behaviours: [worker(stubborn)] });
      await host.accept(id, { type: "WORK", job: "old" });
      const again = host.accept(id, { type: "WORK", job: "new" });
      ends[0]?.resolve("late, before the new one's step is durable");
      await again;
      await host.accept(id, { type: "WORK", job: "newest" });
      ends[1]?.resolve("late, when the newest runs");
      await host.accept(id, { type: "PING" });
      expect(host.read(id)).toMatchObject({ value: "working", context: { results: [] } });
      ends[2]?.resolve("in time");
      await until(() => host.read(id)?.value === "idle");
      expect(host.read(id)?.context["results"]).toEqual(["in time"]);
    });

    it("fails when its listener throws, and its actor goes on", async () => {
      const runs = new Runs();
      const { host } = await world().open({ behaviours: [worker(runs.effect)] });
      await host.accept(id, { type: "WORK", job: "a" });
      runs.context(0).receive(() => {
        throw new Error("cannot hear");
      });
      await host.accept(id, { type: "SAY", word: "one" });
      await until(() => host.read(id)?.value === "idle");
      expect(host.read(id)?.context["results"]).toEqual([{ name: "Error", message: "cannot hear" }]);
    });

    it("ends with its actor, which takes no event any more", async () => {
      const runs = new Runs();
      const end = toyId("mortal");
      const first = await world().open({ behaviours: [mortal(runs.effect)] });
      await first.host.accept(end, { type: "END" });
      expect(runs.count).toBe(0);
      await first.host.accept(end, { type: "END" }, { id: "once" });
      expect(first.host.read(end)).toMatchObject({ status: "done", value: "dead", revision: 2 });
      await first.kill();
      const { host } = await world().open({ behaviours: [mortal(runs.effect)] });
      await host.accept(end, { type: "END" });
      expect(runs.count).toBe(0);
    });
  });

  describe("an action", () => {
    const noterId = toyId("noter");

    it("is done again after a kill until it was done, in the order of its lane", async () => {
      const before: unknown[] = [];
      const first = await world().open({
        behaviours: [
          noter(async (input) => {
            before.push(input);
            await new Promise(() => undefined);
          }),
        ],
      });
      await Promise.all(Array.from({ length: 12 }, (_, n) => first.host.accept(noterId, { type: "NOTE", n })));
      expect(before).toEqual([{ n: 0 }]);
      await first.kill();

      const after: unknown[] = [];
      const restarted: boolean[] = [];
      const second = await world().open({
        behaviours: [
          noter(async (input, context) => {
            after.push(input);
            restarted.push(context.restarted);
          }),
        ],
      });
      await until(() => after.length === 12);
      expect(after).toEqual(Array.from({ length: 12 }, (_, n) => ({ n })));
      expect(restarted).not.toContain(false);
      await second.host.accept(noterId, { type: "NOTE", n: 12 });
      await until(() => after.length === 13);
      await second.host.drain(1_000);
      await second.close();

      const late: unknown[] = [];
      const third = await world().open({ behaviours: [noter(async (input) => void late.push(input))] });
      await third.host.accept(noterId, { type: "NOTE", n: 13 });
      await until(() => late.length === 1);
      expect(late).toEqual([{ n: 13 }]);
    });

    it("is repeated with backoff, and holds up its lane, not its actor", async () => {
      const tried: unknown[] = [];
      let broken = true;
      const { host } = await world().open({
        behaviours: [
          noter(async (input) => {
            tried.push(input);
            if (broken) throw new Error("not now");
          }),
        ],
      });
      await host.accept(noterId, { type: "NOTE", n: 1 });
      await host.accept(noterId, { type: "NOTE", n: 2 });
      expect(host.read(noterId)?.revision).toBe(3);
      await until(() => tried.length === 1);
      await world().clock.pass(399);
      expect(tried).toEqual([{ n: 1 }]);
      await world().clock.pass(201);
      await until(() => tried.length === 2);
      await world().clock.pass(799);
      expect(tried).toEqual([{ n: 1 }, { n: 1 }]);
      broken = false;
      await world().clock.pass(401);
      await until(() => tried.length === 4);
      expect(tried).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }, { n: 2 }]);
    });

    it("is repeated no sooner than the server that refused it has asked for", async () => {
      let tried = 0;
      const refused = Object.assign(new Error("too often"), { retryAfterMs: 60_000 });
      const { host } = await world().open({
        behaviours: [
          noter(async () => {
            tried++;
            throw refused;
          }),
        ],
      });
      const actors = Array.from({ length: 10 }, (_, n) => toyId("noter", `${n}`));
      for (const actor of actors) await host.accept(actor, { type: "NOTE", n: 1 });
      await until(() => tried === actors.length);
      await world().clock.pass(59_999);
      expect(tried).toBe(actors.length);
      await world().clock.pass(1);
      await until(() => tried === 2 * actors.length);
    });

    it("is over when it is done: what it left behind says nothing more", async () => {
      let left: EffectContext | undefined;
      const { host } = await world().open({
        behaviours: [
          noter(async (_, context) => {
            left = context;
          }),
        ],
      });
      await host.accept(noterId, { type: "NOTE", n: 1 });
      await until(() => left?.signal.aborted === true);
      await expect(left?.emit({ type: "NOTE", n: 2 })).rejects.toThrow("has ended");
      await expect(left?.checkpoint(1)).rejects.toThrow("has ended");
    });
  });

  describe("states", () => {
    it("of parallel regions and of deep history are the same after each kill", async () => {
      const place = toyId("rememberer");
      const behaviours = [rememberer()];
      const states: unknown[] = [];
      for (const type of ["NEXT", "TICK", "NEXT", "NEXT", "OUT", "TICK", "BACK"]) {
        const { host, kill } = await world().open({ behaviours });
        await host.accept(place, { type });
        states.push(host.read(place)?.value);
        await kill();
      }
      expect(states.at(3)).toEqual({ place: { in: { two: "b" } }, time: "tock" });
      expect(states.at(5)).toEqual({ place: "out", time: "tick" });
      expect(states.at(6)).toEqual({ place: { in: { two: "b" } }, time: "tick" });
    });
  });
}
