import { beforeEach, describe, expect, it } from "vitest";
import {
  type ChildRestart,
  type ChildSpec,
  type RunningChild,
  StartFailed,
  Supervisor as TheSupervisor,
} from "../../src/runtime/supervisor.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";

/** What a child is given beside what it does by itself. */
type Behaviour = Partial<RunningChild> & Partial<Omit<ChildSpec, "id">>;

class Supervisor extends TheSupervisor {
  constructor(children: readonly ChildSpec[], clock: SimulatedClock) {
    const backoff = { minBackoff: 10, maxBackoff: 1_000 };
    super({ children, clock, strategy: "one_for_one", intensity: 3, period: 60_000, backoff, jitterSeed: "seed" });
  }
}

describe("a supervisor", () => {
  let clock: SimulatedClock;
  let log: string[];
  beforeEach(() => {
    clock = new SimulatedClock();
    log = [];
  });

  /** A child whose start and stop take a time of their own. */
  function child(id: string, { stop, ended, ...rest }: Behaviour = {}, takes = 10): ChildSpec {
    const slowly = (what: string) =>
      new Promise<void>((resolve) => {
        log.push(`${what} ${id}`);
        clock.schedule(takes, () => {
          log.push(`${what === "stop" ? "stopped" : "started"} ${id}`);
          resolve();
        });
      });
    return {
      id,
      restart: "permanent",
      async start() {
        await slowly("start");
        return { stop: stop ?? (() => slowly("stop")), ...(ended !== undefined && { ended }) };
      },
      shutdown: 100,
      ...rest,
    };
  }

  it("starts its children in order, each when the one before is ready, and stops them in reverse", async () => {
    const supervisor = new Supervisor([child("a"), child("b"), child("c")], clock);
    const started = supervisor.start();
    await clock.pass(15);
    expect(log).toEqual(["start a", "started a", "start b"]);
    await clock.pass(15);
    await started;
    log = [];
    const stopped = supervisor.stop();
    await clock.pass(30);
    expect([...(await stopped)]).toEqual([
      ["c", "stopped"],
      ["b", "stopped"],
      ["a", "stopped"],
    ]);
    expect(log).toEqual(["stop c", "stopped c", "stop b", "stopped b", "stop a", "stopped a"]);
    expect(clock.pending).toBe(0);
  });

  it("stops those that run when one does not start, and says which and why", async () => {
    const cause = new Error("port in use");
    const failing = child("b", { start: () => Promise.reject(cause) });
    const supervisor = new Supervisor([child("a"), failing, child("c")], clock);
    const started = supervisor.start();
    const refused = expect(started).rejects.toMatchObject({
      name: "StartFailed",
      child: "b",
      cause,
      message: '"b" did not start: port in use',
    });
    await clock.pass(30);
    await refused;
    await expect(started).rejects.toBeInstanceOf(StartFailed);
    expect(log).toEqual(["start a", "started a", "stop a", "stopped a"]);
    expect([...(await supervisor.stop())]).toEqual([]);
  });

  it("goes on without a child that does not stop within its deadline, or fails to", async () => {
    const supervisor = new Supervisor(
      [
        child("a"),
        child("b", { stop: () => new Promise(() => undefined), shutdown: 50 }),
        child("c", { stop: () => Promise.reject(new Error("no")) }),
        child("d", {
          stop: () => {
            throw new Error("at once");
          },
        }),
      ],
      clock,
    );
    const started = supervisor.start();
    await clock.pass(40);
    await started;
    const stopped = supervisor.stop();
    await clock.pass(59);
    expect(log).not.toContain("stopped a");
    await clock.pass(1);
    expect([...(await stopped)]).toEqual([
      ["d", "failed"],
      ["c", "failed"],
      ["b", "overdue"],
      ["a", "stopped"],
    ]);
    expect(clock.pending).toBe(0);
  });

  it("asked to stop while it starts, starts no more, and stops the one that was coming up", async () => {
    const supervisor = new Supervisor([child("a"), child("b"), child("c")], clock);
    const started = supervisor.start();
    const refused = expect(started).rejects.toThrow('"b" did not start: it was asked to stop');
    await clock.pass(15);
    const stopped = supervisor.stop();
    await clock.pass(100);
    await refused;
    expect([...(await stopped)]).toEqual([
      ["b", "stopped"],
      ["a", "stopped"],
    ]);
    expect(log).toEqual(["start a", "started a", "start b", "started b", "stop b", "stopped b", "stop a", "stopped a"]);
  });

  it("waits for the one that is coming up no longer than its deadline", async () => {
    const supervisor = new Supervisor([child("a"), child("b", { start: () => new Promise(() => undefined) })], clock);
    void supervisor.start().catch(() => undefined);
    await clock.pass(15);
    const stopped = supervisor.stop();
    await clock.pass(120);
    expect([...(await stopped)]).toEqual([
      ["b", "overdue"],
      ["a", "stopped"],
    ]);
    await settled();
    expect(clock.pending).toBe(0);
  });

  it("has nothing to stop twice", async () => {
    const supervisor = new Supervisor([child("a")], clock);
    const started = supervisor.start();
    await clock.pass(10);
    await started;
    const stopped = Promise.all([supervisor.stop(), supervisor.stop()]);
    await clock.pass(10);
    expect((await stopped).map((outcomes) => outcomes.size)).toEqual([1, 0]);
  });

  describe("whose child ends by itself", () => {
    const restarts: ChildRestart[] = [];
    const signals: AbortSignal[] = [];
    let ends: PromiseWithResolvers<void>[];
    beforeEach(() => {
      restarts.length = 0;
      signals.length = 0;
      ends = [];
    });

    const options = {
      strategy: "one_for_one",
      intensity: 2,
      period: 60_000,
      backoff: { minBackoff: 100, maxBackoff: 1_000 },
      jitterSeed: "seed",
      onRestart: (restart: ChildRestart) => void restarts.push(restart),
    } as const;

    /** A child that ends when the test says so. */
    const mortal = (stop = () => Promise.resolve()): ChildSpec => ({
      id: "mortal",
      restart: "permanent",
      async start({ signal }) {
        const end = Promise.withResolvers<void>();
        ends.push(end);
        signals.push(signal);
        return { stop, ended: end.promise };
      },
      shutdown: 100,
    });

    it("starts it again after a backoff, as another incarnation, and says why", async () => {
      const supervisor = new TheSupervisor({ ...options, clock, children: [mortal()] });
      await supervisor.start();
      const error = new Error("it broke");
      ends[0]?.reject(error);
      await clock.pass(79);
      expect(ends).toHaveLength(1);
      await clock.pass(50);
      expect(ends).toHaveLength(2);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
      expect(restarts).toEqual([{ child: "mortal", incarnation: 1, error, restarts: 1, delay: expect.any(Number) }]);
    });

    it("tells how each child is doing, and those under it", async () => {
      const own = { ...options, clock, intensity: 9 };
      const inner = new TheSupervisor({ ...own, children: [mortal()] });
      const nesting: ChildSpec = {
        id: "nesting",
        restart: "permanent",
        start: () => inner.start().then(() => inner),
        shutdown: 100,
      };
      const once: ChildSpec = { ...child("once", {}, 0), restart: "temporary" };
      const supervisor = new TheSupervisor({ ...own, children: [once, nesting, child("slow")] });
      expect(supervisor.children().map(({ state }) => state)).toEqual(["waiting", "waiting", "waiting"]);
      const started = supervisor.start();
      await clock.pass(5);
      expect(supervisor.children()).toEqual([
        { id: "once", restart: "temporary", state: "running", incarnation: 1 },
        {
          id: "nesting",
          restart: "permanent",
          state: "running",
          incarnation: 1,
          children: [{ id: "mortal", restart: "permanent", state: "running", incarnation: 1 }],
        },
        { id: "slow", restart: "permanent", state: "starting", incarnation: 1 },
      ]);
      await clock.pass(5);
      await started;
      ends[0]?.reject(new Error("it broke"));
      await clock.pass(10);
      expect(supervisor.children()[1]?.children).toMatchObject([{ state: "restarting", incarnation: 1 }]);
      await clock.pass(200);
      expect(supervisor.children()[1]?.children).toMatchObject([{ state: "running", incarnation: 2 }]);
    });

    it("waits longer each time that the trouble comes again, and not after a calm life", async () => {
      const supervisor = new TheSupervisor({ ...options, intensity: 9, clock, children: [mortal()] });
      await supervisor.start();
      const endAfter = async (life: number): Promise<void> => {
        await clock.pass(life);
        ends.at(-1)?.reject(new Error("again"));
        await clock.pass(480);
      };
      for (const life of [0, 0, 0, 1_000]) await endAfter(life);
      for (const [n, exact] of [100, 200, 400, 100].entries()) {
        expect(restarts[n]?.delay).toBeGreaterThanOrEqual(0.8 * exact);
        expect(restarts[n]?.delay).toBeLessThanOrEqual(1.2 * exact);
      }
      expect(restarts).toHaveLength(4);
    });

    it("starts it again each time, also when whoever is told of that throws", async () => {
      const heard: unknown[] = [];
      const broken = new Error("the log is full");
      const supervisor = new TheSupervisor({
        ...options,
        clock,
        children: [mortal()],
        onRestart() {
          throw broken;
        },
        onListenerError: (error) => heard.push(error),
      });
      await supervisor.start();
      for (const started of [1, 2]) {
        ends.at(-1)?.resolve();
        await clock.pass(1_000);
        expect(ends).toHaveLength(started + 1);
      }
      expect(heard).toEqual([broken, broken]);
      await supervisor.stop();
    });

    it("hears nothing that an incarnation says which is over", async () => {
      const stop = Promise.withResolvers<void>();
      const ended = Promise.reject(new Error("at once"));
      ended.catch(() => undefined);
      const supervisor = new TheSupervisor({
        ...options,
        clock,
        strategy: "one_for_all",
        children: [child("a", { ended }), mortal(() => stop.promise)],
      });
      const started = supervisor.start();
      await clock.pass(10);
      await started;
      expect(log).toEqual(["start a", "started a"]);
      // It is being stopped for the sake of the other.
      ends[0]?.reject(new Error("late"));
      stop.resolve();
      await clock.pass(0);
      expect(restarts.map((restart) => restart.child)).toEqual(["a"]);
    });

    it("starts nothing more when it is asked to stop meanwhile, and leaves no timer", async () => {
      const supervisor = new TheSupervisor({ ...options, clock, children: [mortal()] });
      await supervisor.start();
      ends[0]?.resolve();
      await settled();
      expect(clock.pending).toBe(1);
      expect([...(await supervisor.stop())]).toEqual([]);
      expect(clock.pending).toBe(0);
    });

    it("tells a child that is coming up when it is not wanted any more", async () => {
      let signal: AbortSignal | undefined;
      const coming = child("b", {
        start: (context) => {
          ({ signal } = context);
          return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal?.reason)));
        },
      });
      const supervisor = new Supervisor([coming], clock);
      void supervisor.start().catch(() => undefined);
      expect([...(await supervisor.stop())]).toEqual([["b", "failed"]]);
      expect(signal?.aborted).toBe(true);
    });

    it("fails when that happens too often, and the one above it makes another of it", async () => {
      const outerRestarts: ChildRestart[] = [];
      const inner: ChildSpec = {
        id: "inner",
        restart: "transient",
        async start() {
          const supervisor = new TheSupervisor({ ...options, clock, children: [child("a"), mortal()] });
          await supervisor.start();
          return supervisor;
        },
        shutdown: 1_000,
      };
      const onRestart = (restart: ChildRestart) => void outerRestarts.push(restart);
      const outer = new TheSupervisor({ ...options, onRestart, clock, children: [inner] });
      const started = outer.start();
      await clock.pass(10);
      await started;
      for (let n = 0; n < 3; n++) {
        expect(outerRestarts).toEqual([]);
        ends.at(-1)?.reject(new Error(`broken ${n}`));
        await clock.pass(n === 2 ? 50 : 1_500);
      }
      expect(outerRestarts).toMatchObject([{ child: "inner", error: { name: "IntensityExceeded", child: "mortal" } }]);
      expect(log).toEqual(["start a", "started a", "stop a", "stopped a"]);
      await clock.pass(200);
      expect(ends).toHaveLength(4);
      const stopped = outer.stop();
      await clock.pass(100);
      expect([...(await stopped)]).toEqual([["inner", "stopped"]]);
    });
  });
});
