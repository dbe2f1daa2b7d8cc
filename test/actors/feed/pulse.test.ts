import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pulse, type Reach } from "../../../src/actors/feed/pulse.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock } from "../../runtime/simulated-clock.ts";

let clock: SimulatedClock;
let steps: string[];
let failures: unknown[];
let isThere: boolean;
/** Ends the request that is held, as a homeserver does that goes away. */
let leave: (error: unknown) => void;
let stop: AbortController;
let reaches: Reach["state"][];

beforeEach(() => {
  clock = new SimulatedClock();
  steps = [];
  failures = [];
  isThere = true;
  leave = () => undefined;
  stop = new AbortController();
  reaches = [];
});

afterEach(() => stop.abort(new Error("the test is over")));

async function run(looks: () => Promise<void> = async () => undefined): Promise<Pulse> {
  let attended = false;
  const pulse = new Pulse({
    clock,
    pushes: {
      async ping() {
        steps.push("ping");
        const failure = failures.shift();
        if (failure === "wait may go on") return failure;
        if (failure !== undefined) throw failure;
        return "reached";
      },
    },
    company: {
      attend(signal) {
        if (!isThere) return Promise.reject(matrixError("unreachable"));
        if (!attended) {
          attended = true;
          return Promise.resolve();
        }
        return new Promise((_, reject) => {
          leave = (error) => {
            attended = false;
            reject(error);
          };
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
    },
    doubt: () => void steps.push("doubt"),
    settle: () => void steps.push("settle"),
    async lookBack() {
      steps.push("look back");
      await looks();
    },
    open: () => void steps.push("open"),
    onChange: ({ state }) => reaches.push(state),
  });
  pulse.run(stop.signal).catch(() => undefined);
  await clock.pass(0);
  return pulse;
}

/** What was done since it was last asked. */
function done(): string[] {
  return steps.splice(0);
}

async function goAway(): Promise<void> {
  await clock.pass(250);
  isThere = false;
  leave(matrixError("unreachable"));
  await clock.pass(0);
}

describe("the pulse", () => {
  test("does not ask in a tight loop where the homeserver does not hold what it is asked", async () => {
    let asked = 0;
    const pulse = new Pulse({
      clock,
      pushes: { ping: async () => "reached" },
      company: { attend: async () => void asked++ },
      doubt: () => undefined,
      settle: () => undefined,
      lookBack: async () => undefined,
      open: () => undefined,
      onChange: () => undefined,
    });
    pulse.run(stop.signal).catch(() => undefined);
    await clock.pass(10_000);
    expect(asked).toBeLessThanOrEqual(41);
  });

  test("has the homeserver reach us at the start, and every five minutes", async () => {
    const pulse = await run();
    expect(pulse.reach).toEqual({ state: "reached", since: clock.now() });
    await clock.pass(900_000);
    expect(steps.filter((step) => step === "ping")).toHaveLength(4);
    expect(reaches).toEqual(["reached"]);
  });

  test("tries soon again while the homeserver does not reach us, says why and since when, and has all look back then", async () => {
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
    expect(done(), "it can be asked all the same").toContain("look back");
    await clock.pass(180_000);
    expect(pulse.reach.state).toBe("reached");
    expect(done()).toEqual(["ping", "ping", "look back"]);
  });

  test("pings soon again a homeserver that reaches it and may wait all the same, which is no trouble", async () => {
    failures = ["wait may go on", "wait may go on"];
    const pulse = await run();
    expect(pulse.reach.state).toBe("reached");
    done();
    await clock.pass(200_000);
    expect(done()).toEqual(["ping", "ping"]);
    await clock.pass(200_000);
    expect(done()).toEqual(["ping"]);
    expect(reaches).toEqual(["reached"]);
  });

  test("takes a homeserver that knows no ping for one that cannot be asked", async () => {
    failures = Array.from({ length: 3 }, () => matrixError("unsupported"));
    const pulse = await run();
    expect(pulse.reach.state).toBe("unasked");
    await clock.pass(600_000);
    expect(steps.filter((step) => step === "ping")).toHaveLength(3);
    expect(reaches).toEqual(["unasked"]);
  });

  test("takes it for no trouble that nobody may ask before our own user is made", async () => {
    failures = [matrixError("token"), matrixError("token"), "wait may go on", matrixError("token")];
    const pulse = await run();
    await clock.pass(1_000);
    expect(pulse.reach).toEqual({ state: "unknown" });
    await clock.pass(60_000);
    expect(reaches, "later it is").toEqual(["reached", "unreached", "reached"]);
  });

  test("has all look back at the start, and once more when what is pushed late has come", async () => {
    const pulse = await run();
    expect(done().filter((step) => step !== "ping")).toEqual(["doubt", "open", "look back"]);
    // Where nothing is pushed, there is nothing that the homeserver could have been late with.
    await clock.pass(200_000);
    expect(done()).toEqual([]);
    for (let n = 0; n < 3; n++) {
      pulse.heard();
      await clock.pass(5_000);
    }
    expect(done()).toEqual([]);
    await clock.pass(20_000);
    expect(done()).toEqual(["doubt", "look back", "settle"]);
    pulse.heard();
    await clock.pass(200_000);
    expect(steps).not.toContain("look back");
  });

  test("has all look back, also late, after what was pushed could not be taken", async () => {
    const pulse = await run();
    pulse.heard();
    await clock.pass(100_000);
    done();
    pulse.heard();
    pulse.refused();
    await clock.pass(100_000);
    expect(done().filter((step) => step !== "ping")).toEqual(["doubt", "look back"]);
    pulse.heard();
    await clock.pass(100_000);
    expect(done().filter((step) => step !== "ping")).toEqual(["doubt", "look back", "settle"]);
  });

  test("has the homeserver push again at once when what it pushed can be taken again", async () => {
    let isClosed = true;
    const pulse = await run(async () => {
      if (isClosed) throw new Error("the store is closed");
    });
    done();
    pulse.heard();
    pulse.refused();
    await clock.pass(20_000);
    expect(done()).not.toContain("ping");
    isClosed = false;
    await clock.pass(60_000);
    expect(done()).toContain("ping");
  });

  test("has all look, now and once there is quiet, when something comes late although nothing was doubted", async () => {
    const pulse = await run();
    await clock.pass(10);
    pulse.heard(clock.now(), true);
    await clock.pass(100_000);
    expect(done()).toContain("settle");
    // Clocks differ a little, and those of other homeservers much.
    pulse.heard(clock.now() - 20_000, true);
    pulse.heard(clock.now() - 3_600_000);
    await clock.pass(50_000);
    expect(done()).toEqual([]);
    pulse.heard(clock.now() - 60_000, true);
    pulse.heard(clock.now() - 55_000, true);
    await clock.pass(0);
    expect(done()).toEqual(["doubt", "look back"]);
    await clock.pass(50_000);
    expect(done()).toEqual(["doubt", "look back", "settle"]);
  });

  test("does not take for late what comes from a homeserver whose clock is slow", async () => {
    const pulse = await run();
    await clock.pass(10);
    for (let n = 0; n < 10; n++) {
      pulse.heard(clock.now() - 45_000, true);
      await clock.pass(150_000);
    }
    expect(done().filter((step) => step === "look back")).toHaveLength(2);
  });

  test("has nobody look while the homeserver is gone, whatever was refused before", async () => {
    const pulse = await run();
    await clock.pass(1_000);
    pulse.heard();
    pulse.refused();
    await goAway();
    done();
    await clock.pass(60_000);
    expect(done()).not.toContain("look back");
    isThere = true;
    await clock.pass(10_000);
    expect(done()).toContain("look back");
  });

  test("has all look, and itself pinged, ever more seldom while the same is refused again and again", async () => {
    const pulse = await run();
    const refuse = async (times: number) => {
      for (let n = 0; n < times; n++) {
        pulse.heard();
        pulse.refused();
        await clock.pass(1_000);
      }
    };
    done();
    await refuse(600);
    const looks = done().filter((step) => step !== "doubt");
    expect(looks.filter((step) => step === "look back").length).toBeLessThanOrEqual(6 + 10);
    expect(looks.filter((step) => step === "ping").length).toBeLessThanOrEqual(6 + 10 + 2);
    expect(looks.filter((step) => step === "look back").length, "not never").toBeGreaterThan(10);
    await clock.pass(60_000);
    done();
    pulse.heard();
    pulse.taken();
    await refuse(1);
    await clock.pass(1_000);
    expect(done()).toContain("look back");
  });

  test("takes nothing for certain that was doubted while all looked", async () => {
    const ends: (() => void)[] = [];
    const pulse = await run(() => new Promise((resolve) => ends.push(resolve)));
    ends.shift()?.();
    await clock.pass(10);
    pulse.heard();
    await clock.pass(30_000);
    expect(done().slice(-2)).toEqual(["doubt", "look back"]);
    failures = [matrixError("unreachable")];
    await clock.pass(300_000);
    expect(done()).toContain("doubt");
    ends.shift()?.();
    await clock.pass(0);
    expect(steps).not.toContain("settle");
  });

  test("does not wait for ever for the homeserver to come to rest", async () => {
    const pulse = await run();
    done();
    for (let n = 0; n < 50; n++) {
      pulse.heard();
      await clock.pass(2_500);
    }
    expect(done()).toEqual(["doubt", "look back", "settle"]);
  });

  test("waits longer while what is pushed was said long before: the homeserver is not over with it", async () => {
    const pulse = await run();
    done();
    const said = clock.now() - 3_000_000;
    for (let n = 0; n < 200; n++) {
      pulse.heard(said + n * 1_000);
      await clock.pass(2_500);
    }
    expect(done().filter((step) => step !== "ping")).toEqual([]);
    for (let n = 0; n < 50; n++) {
      pulse.heard(clock.now());
      await clock.pass(2_500);
    }
    expect(done().filter((step) => step !== "ping")).toEqual(["doubt", "look back", "settle"]);
  });

  test("notices when the homeserver is gone, and has all look back when it is there again", async () => {
    await run();
    done();
    await goAway();
    // Whoever is told something from now on looks first.
    expect(done()).toEqual(["doubt"]);
    await clock.pass(2_000);
    isThere = true;
    await clock.pass(10_000);
    expect(done()).toEqual(["look back", "ping"]);
  });

  test("knows by what is pushed that the homeserver is there again", async () => {
    const pulse = await run();
    await goAway();
    await clock.pass(20_000);
    done();
    isThere = true;
    pulse.heard();
    await clock.pass(0);
    expect(done()).toEqual(["look back", "ping"]);
  });

  test("tells that nothing is pushed though pings come, has all look with each ping, and is over that with what is pushed", async () => {
    const pulse = await run();
    done();
    pulse.lost();
    await clock.pass(0);
    expect(done()).toEqual(["doubt", "look back"]);
    failures = [matrixError("refused")];
    await clock.pass(300_000);
    expect(pulse.reach).toMatchObject({ state: "unreached", reason: "the homeserver says refused" });
    await clock.pass(1_000);
    expect(done()).toEqual(["ping", "doubt", "ping", "look back"]);
    expect(pulse.reach).toMatchObject({ state: "unreached", remedy: expect.stringContaining("413") });
    await clock.pass(300_000);
    expect(done()).toEqual(["ping", "look back"]);
    pulse.heard();
    expect(pulse.reach.state).toBe("reached");
    await clock.pass(300_000);
    expect(done().filter((step) => step === "look back")).toHaveLength(1);
    expect(reaches).toEqual(["reached", "unreached", "reached"]);
  });

  test("begins anew with the looks when the homeserver goes away meanwhile, and when one cannot be done", async () => {
    let trouble = 1;
    await run(async () => {
      if (trouble-- > 0) throw new Error("the store is closed");
    });
    await clock.pass(1_000);
    expect(done().filter((step) => step === "look back")).toHaveLength(2);
    await goAway();
    isThere = true;
    await clock.pass(1_000);
    expect(done()).toEqual(["doubt", "look back", "ping"]);
  });

  test.each([
    ["the homeserver does not let us stay", matrixError("forbidden")],
    [
      "a proxy before it has no patience",
      new MatrixError("unreachable", "too slow", { remedy: "none", httpStatus: 504 }),
    ],
  ])("looks back once all the same where %s", async (_, answer) => {
    const pulse = new Pulse({
      clock,
      pushes: { ping: async () => "reached" },
      company: { attend: () => Promise.reject(answer) },
      doubt: () => undefined,
      settle: () => undefined,
      lookBack: async () => void steps.push("look back"),
      open: () => undefined,
      onChange: () => undefined,
    });
    pulse.run(stop.signal).catch(() => undefined);
    await clock.pass(100_000);
    expect(done()).toEqual(["look back"]);
  });
});
