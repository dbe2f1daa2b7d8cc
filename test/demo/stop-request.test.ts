import { EventEmitter } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { listenForStop, StopRequested, unlessAborted } from "../../demo/stop-request.ts";

function listening(env: Readonly<Record<string, string>> = {}) {
  const signals = new EventEmitter();
  let now = 0;
  const endAtOnce = vi.fn();
  const source = { on: (name: NodeJS.Signals, run: () => void) => signals.on(name, run), ppid: 7, env };
  const stop = listenForStop(source, () => now, endAtOnce);
  return {
    stop,
    endAtOnce,
    source,
    press(at: number, signal: NodeJS.Signals = "SIGINT") {
      now = at;
      signals.emit(signal);
    },
  };
}

describe("asking the demo to stop", () => {
  it("stops it the first time and ends it at once the second", () => {
    const { stop, endAtOnce, press } = listening();
    expect(stop.aborted).toBe(false);
    press(0);
    expect(stop.reason).toBeInstanceOf(StopRequested);
    // npm passes on what the terminal has sent to everybody already.
    press(20);
    expect(endAtOnce).not.toHaveBeenCalled();
    press(2_000, "SIGTERM");
    expect(endAtOnce).toHaveBeenCalledOnce();
  });

  it("happens by itself when npm has ended", () => {
    vi.useFakeTimers();
    try {
      const byHand = listening();
      const { stop, source } = listening({ npm_lifecycle_event: "demo" });
      vi.advanceTimersByTime(10_000);
      expect(stop.aborted).toBe(false);
      source.ppid = 1;
      byHand.source.ppid = 1;
      vi.advanceTimersByTime(1_000);
      expect(stop.reason).toBeInstanceOf(StopRequested);
      expect(byHand.stop.aborted).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends every wait with its reason, and leaves finished ones alone", async () => {
    const { stop, press } = listening();
    expect(await unlessAborted(stop, Promise.resolve("done"))).toBe("done");
    const waiting = unlessAborted(stop, new Promise(() => undefined));
    press(0);
    await expect(waiting).rejects.toBeInstanceOf(StopRequested);
    await expect(unlessAborted(stop, new Promise(() => undefined))).rejects.toBeInstanceOf(StopRequested);
  });
});
