import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sleep, systemClock } from "../../src/runtime/clock.ts";
import { SimulatedClock } from "./simulated-clock.ts";

describe("the system clock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const longest = 2 ** 31 - 1;

  it("keeps delays that are longer than a Node timer takes", () => {
    const run = vi.fn();
    systemClock.schedule(2 * longest + 1_000, run);
    vi.advanceTimersByTime(2 * longest + 999);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it("cancels, also in the middle of a long delay", () => {
    const run = vi.fn();
    const cancel = systemClock.schedule(2 * longest, run);
    vi.advanceTimersByTime(longest + 1);
    cancel();
    vi.advanceTimersByTime(2 * longest);
    expect(run).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes what is past as due now", () => {
    const run = vi.fn();
    systemClock.schedule(-5, run);
    vi.advanceTimersByTime(0);
    expect(run).toHaveBeenCalledOnce();
  });
});

describe("sleep", () => {
  it("ends with its time, or with its signal, and leaves nothing scheduled", async () => {
    const clock = new SimulatedClock();
    const controller = new AbortController();
    const first = sleep(clock, 100, controller.signal);
    await clock.pass(100);
    await first;
    const second = sleep(clock, 100, controller.signal);
    controller.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await expect(sleep(clock, 100, controller.signal)).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });
});
