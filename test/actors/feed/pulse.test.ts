import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pulse, type Reach } from "../../../src/actors/feed/pulse.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock } from "../../runtime/simulated-clock.ts";

let clock: SimulatedClock;
let steps: string[];
let failures: unknown[];
let makesUp: boolean;
let stop: AbortController;
let reaches: Reach["state"][];

beforeEach(() => {
  clock = new SimulatedClock();
  steps = [];
  failures = [];
  makesUp = true;
  stop = new AbortController();
  reaches = [];
});

afterEach(() => stop.abort(new Error("the test is over")));

async function run(): Promise<Pulse> {
  const pulse = new Pulse({
    clock,
    pushes: {
      async ping() {
        steps.push("ping");
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
      },
      makesUpFor: async () => makesUp,
    },
    lookBack: async () => void steps.push("look back"),
    open: () => void steps.push("open"),
    onChange: ({ state }) => reaches.push(state),
  });
  pulse.run(stop.signal).catch(() => undefined);
  await clock.pass(0);
  return pulse;
}

describe("the pulse", () => {
  test("has the homeserver reach us at the start, and every five minutes", async () => {
    const pulse = await run();
    expect(pulse.reach).toEqual({ state: "reached", since: clock.now() });
    await clock.pass(900_000);
    expect(steps).toEqual(["open", "ping", "ping", "ping", "ping"]);
    expect(reaches).toEqual(["reached"]);
  });

  test("tries soon again while the homeserver does not reach us, and says why and since when", async () => {
    failures = Array.from({ length: 8 }, () => matrixError("refused"));
    const begun = clock.now();
    const pulse = await run();
    expect(pulse.reach).toEqual({
      state: "unreached",
      since: begun,
      reason: "the homeserver says refused",
      remedy: "do something about it",
    });
    await clock.pass(63_000);
    expect(steps.filter((step) => step === "ping")).toHaveLength(7);
    await clock.pass(180_000);
    expect(pulse.reach.state).toBe("reached");
    expect(steps).not.toContain("look back");
  });

  test("has all look back, before anything is taken, where the homeserver may not push what was missed", async () => {
    makesUp = false;
    failures = [undefined, matrixError("unreachable")];
    const pulse = await run();
    expect(steps).toEqual(["look back", "open", "ping"]);
    await clock.pass(300_000);
    expect(pulse.reach.state).toBe("unreached");
    await clock.pass(1_000);
    expect(steps).toEqual(["look back", "open", "ping", "ping", "ping", "look back"]);
  });

  test("takes a homeserver that knows no ping for one that cannot be asked", async () => {
    makesUp = false;
    failures = Array.from({ length: 3 }, () => matrixError("unsupported"));
    const pulse = await run();
    expect(pulse.reach.state).toBe("unasked");
    await clock.pass(600_000);
    expect(steps).toEqual(["look back", "open", "ping", "ping", "ping"]);
  });
});
