import { beforeEach, describe, expect, it } from "vitest";
import { type ChildSpec, StartFailed, Supervisor } from "../../src/runtime/supervisor.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";

describe("a supervisor", () => {
  let clock: SimulatedClock;
  let log: string[];
  beforeEach(() => {
    clock = new SimulatedClock();
    log = [];
  });

  /** A child whose start and stop take a time of their own. */
  function child(id: string, behaviour: Partial<ChildSpec> = {}, takes = 10): ChildSpec {
    const slowly = (what: string) =>
      new Promise<void>((resolve) => {
        log.push(`${what} ${id}`);
        clock.schedule(takes, () => {
          log.push(`${what === "stop" ? "stopped" : "started"} ${id}`);
          resolve();
        });
      });
    return { id, start: () => slowly("start"), stop: () => slowly("stop"), shutdown: 100, ...behaviour };
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
});
