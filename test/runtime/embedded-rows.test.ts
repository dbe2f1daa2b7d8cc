import { describe, expect, it, vi } from "vitest";
import type { Effect } from "../../src/runtime/effect.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { memoryHost } from "./memory-host.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";
import { collector, fragile, hoarder, mortal, noter, sleeper, teller, toyId, worker } from "./toys.ts";

const day = 24 * 3_600_000;
/** Ranges that stay: records, journals, taken ids. */
const lasting = ["r|", "j|", "s|"];
const endless: Effect = () => new Promise(() => undefined);

describe("an effect never starts before its step is durable", () => {
  it("as an action, as a child, and neither does a timer or a tell", async () => {
    const started: string[] = [];
    const effect: Effect = async (_, { self }) => {
      started.push(self);
    };
    const { host, clock, database } = await memoryHost({
      behaviours: [noter(effect), worker(effect), teller(), collector(), sleeper()],
    });
    database.delay = 40;
    void host.accept(toyId("noter"), { type: "NOTE", n: 1 });
    void host.accept(toyId("worker"), { type: "WORK", job: 1 });
    void host.accept(toyId("sleeper"), { type: "SLEEP", wait: 10 });
    void host.accept(toyId("teller"), { type: "TELL", to: [toyId("collector")], event: { type: "ADD", n: 1 } });
    await clock.pass(39);
    expect(started).toEqual([]);
    expect(host.read(toyId("collector"))).toBeUndefined();
    expect(host.read(toyId("sleeper"))?.revision).toBe(2);
    expect(database.keys()).toEqual([]);
    await clock.pass(1);
    expect(started.sort()).toEqual([toyId("noter"), toyId("worker")]);
    expect(host.read(toyId("collector"))?.context["numbers"]).toEqual([1]);
    await clock.pass(0);
    expect(host.read(toyId("sleeper"))?.revision).toBe(4);
  });

  it("also when its actor crashes and restarts before that", async () => {
    const started: unknown[] = [];
    const { host, clock, database } = await memoryHost({
      behaviours: [noter(async (input) => void started.push(input))],
      policy: { crashesPerEvent: 1, minBackoff: 10, maxBackoff: 10, intensity: 9, period: day },
    });
    database.delay = 1_000;
    void host.accept(toyId("noter"), { type: "NOTE", n: 1 });
    await settled();
    void host.accept(toyId("noter"), { type: "POISON" });
    await clock.pass(999);
    expect(host.health(toyId("noter")).state).toBe("restarting");
    expect(started).toEqual([]);
    await clock.pass(1_100);
    expect(started).toEqual([{ n: 1 }]);
    await clock.pass(day);
    expect(started).toEqual([{ n: 1 }]);
  });
});

describe("a failed commit", () => {
  it("rejects what waits for it, starts nothing, and leaves no mailbox stuck", async () => {
    const started: unknown[] = [];
    const { host, database, failures } = await memoryHost({
      behaviours: [noter(async (input) => void started.push(input))],
      mailboxLimit: 2,
    });
    database.fail(new Error("no space left on device"));
    const note = (id: string) => host.accept(toyId("noter"), { type: "NOTE", n: 1 }, { id });
    const results = await Promise.allSettled([note("a"), note("a")]);
    results.push(...(await Promise.allSettled([note("b")])), ...(await Promise.allSettled([note("a")])));
    for (const result of results) expect(result).toMatchObject({ reason: { name: "StoreFailed" } });
    expect(started).toEqual([]);
    expect(failures).toEqual([expect.objectContaining({ name: "StoreFailed" })]);
  });
});

describe("many events that an actor takes at once", () => {
  const text = "x".repeat(10_000);
  const told = Array.from({ length: 100 }, (_, n) => ({ type: "KEEP", text: `${n} ${text}` }));

  it("make JSON of its record once, and write no version of it that nobody could read", async () => {
    const { host, database } = await memoryHost({ behaviours: [hoarder()] });
    await host.accept(toyId("hoarder"), { type: "KEEP", text: "" });
    const stringify = vi.spyOn(JSON, "stringify");
    await Promise.all(told.map((event) => host.accept(toyId("hoarder"), event)));
    const made = stringify.mock.results.map(({ value }) => String(value).length);
    stringify.mockRestore();
    expect(host.read(toyId("hoarder"))?.context["kept"]).toHaveLength(101);
    expect(made.filter((length) => length > text.length)).toHaveLength(1);
    const written = database.batches.at(-1)?.filter(({ key }) => key === `r|${toyId("hoarder")}`);
    expect(written).toHaveLength(1);
    expect(written?.[0]).toMatchObject({ value: expect.stringContaining(`99 ${text}`) });
  });

  it("are written with one of them that is not plain JSON left out, and what others do", async () => {
    const { host, database, crashes, failures } = await memoryHost({ behaviours: [hoarder(), collector()] });
    const all = [
      host.accept(toyId("hoarder"), { type: "KEEP", text: "first" }),
      host.accept(toyId("collector"), { type: "ADD", n: 1 }),
      host.accept(toyId("hoarder"), { type: "SPOIL" }),
      host.accept(toyId("collector"), { type: "ADD", n: 2 }),
    ];
    await Promise.all(all);
    expect(crashes).toEqual([
      expect.objectContaining({
        actor: toyId("hoarder"),
        error: expect.objectContaining({ message: expect.stringContaining("context.kept[1] is a bigint") }),
      }),
    ]);
    expect(database.values("r|")).toEqual([
      expect.objectContaining({ context: expect.objectContaining({ numbers: [1, 2] }) }),
      expect.objectContaining({ context: { kept: ["first"] } }),
    ]);
    expect(failures).toEqual([]);
  });
});

describe("what is over leaves no row behind", () => {
  it("children that end, are left, hear a last word, or note how far they are while their state is left", async () => {
    const ends: PromiseWithResolvers<unknown>[] = [];
    const effect: Effect = async (_, context) => {
      const end = Promise.withResolvers<unknown>();
      ends.push(end);
      context.receive(() => void context.checkpoint("late").catch(() => undefined));
      await context.checkpoint("early");
      return end.promise;
    };
    const { host, database, failures } = await memoryHost({ behaviours: [worker(effect)] });
    const id = toyId("worker");
    await host.accept(id, { type: "WORK", job: 1 });
    await host.accept(id, { type: "SAY", word: "one" });
    await settled();
    expect(database.keys(...lasting)).toHaveLength(3);
    await host.accept(id, { type: "LEAVE" });
    await settled();
    expect(database.keys(...lasting)).toEqual([]);
    await host.accept(id, { type: "WORK", job: 2 });
    await host.accept(id, { type: "WORK", job: 3 });
    ends.at(-1)?.resolve("done");
    await settled();
    await host.accept(id, { type: "PING" });
    expect(database.keys(...lasting)).toEqual([]);
    expect(failures).toEqual([]);
  });

  it("actions, also one that notes how far it is and does not wait for that", async () => {
    const effect: Effect = async (_, context) => {
      void context.checkpoint(1);
    };
    const { host, database } = await memoryHost({ behaviours: [noter(effect)] });
    for (const n of [1, 2, 3]) await host.accept(toyId("noter"), { type: "NOTE", n });
    await settled();
    await host.drain(1_000);
    expect(database.keys(...lasting)).toEqual([]);
  });

  it("within a second, when nothing else is written", async () => {
    const { host, clock, database } = await memoryHost({ behaviours: [noter(async () => undefined)] });
    await host.accept(toyId("noter"), { type: "NOTE", n: 1 });
    await clock.pass(1_000);
    expect(database.powerLoss().keys(...lasting)).toEqual([]);
  });

  it("timers, tells, duplicates and actors that are done", async () => {
    const { host, clock, database } = await memoryHost({
      behaviours: [sleeper(), teller(), collector(), mortal(endless)],
    });
    await host.accept(toyId("sleeper"), { type: "SLEEP", wait: 100 });
    expect(database.keys(...lasting)).toHaveLength(2);
    await host.accept(toyId("sleeper"), { type: "SLEEP", wait: 200 });
    await clock.pass(200);
    for (const _ of [1, 2])
      await host.accept(toyId("teller"), {
        type: "TELL",
        to: [toyId("collector")],
        event: { type: "ADD", n: 1 },
        id: "same",
      });
    await host.accept(toyId("mortal"), { type: "END" });
    await settled();
    await host.drain(1_000);
    expect(database.keys(...lasting)).toEqual([]);
    expect(host.read(toyId("collector"))?.context["numbers"]).toEqual([1]);
  });
});

describe("what could not be done is kept as a dead letter", () => {
  it("an action after its life, with its error, and its lane goes on", async () => {
    const done: unknown[] = [];
    const { host, clock, database } = await memoryHost({
      behaviours: [
        noter(async (input) => {
          if (Reflect.get(Object(input), "n") === 1) throw new Error("never");
          done.push(input);
        }),
      ],
      actionLife: day,
    });
    await host.accept(toyId("noter"), { type: "NOTE", n: 1 });
    await host.accept(toyId("noter"), { type: "NOTE", n: 2 });
    await clock.pass(day - 60_001);
    expect(done).toEqual([]);
    expect(database.values("d|")).toEqual([]);
    await clock.pass(200_000);
    expect(done).toEqual([{ n: 2 }]);
    await host.drain(1_000);
    expect(database.values("d|")).toEqual([
      {
        effect: { kind: "action", name: "note", input: { n: 1 } },
        at: expect.any(Number),
        error: { name: "Error", message: "never" },
      },
    ]);
    expect(database.keys(...lasting, "d|")).toEqual([]);
  });

  it("an event after three crashes, under the id of the last; each crash is reported and kept", async () => {
    const { host, clock, database, crashes } = await memoryHost({ behaviours: [collector()] });
    await host.accept(toyId("collector"), { type: "POISON" }, { id: "p", cause: "somebody" });
    await clock.pass(60_000);
    expect(crashes.map(({ incarnation, stimulus }) => [incarnation, stimulus])).toEqual([
      [1, "POISON"],
      [2, "POISON"],
      [3, "POISON"],
    ]);
    expect(database.values("c|")).toEqual(crashes);
    expect(database.values("d|")).toEqual([
      {
        stimulus: { kind: "event", event: { type: "POISON" } },
        id: "p",
        cause: "somebody",
        crashes: 2,
        at: crashes[2]?.at,
        crash: crashes[2]?.id,
      },
    ]);
    expect(database.keys(...lasting, "c|", "d|")).toEqual([]);
  });

  it("a result that its actor cannot bear", async () => {
    const { host, clock, database } = await memoryHost({ behaviours: [fragile(async () => 1)] });
    await host.accept(toyId("fragile"), { type: "WORK" });
    await clock.pass(60_000);
    expect(database.values("d|")).toEqual([
      expect.objectContaining({ stimulus: { kind: "done", child: "work", generation: 1, output: 1 }, crashes: 2 }),
    ]);
  });
});

describe("crash reports", () => {
  it("are kept as far as the newest 100 of an actor", async () => {
    const { host, clock, database, crashes } = await memoryHost({
      behaviours: [collector()],
      policy: { crashesPerEvent: 3, minBackoff: 10, maxBackoff: 10, intensity: 999, period: day },
    });
    for (let n = 0; n < 40; n++) {
      await host.accept(toyId("collector"), { type: "POISON" });
      await clock.pass(1_000);
    }
    expect(crashes).toHaveLength(120);
    await clock.pass(day);
    expect(database.values("c|")).toEqual(crashes.slice(-100));
    await host.drain(1_000);
  });
});

describe("dead letters", () => {
  it("are replayed once, also when one is asked for again while its replay is being written", async () => {
    const clock = new SimulatedClock();
    const looks: (() => void)[] = [];
    let isSlow = false;
    const database = new (class extends MemoryDatabase {
      override async *iterator(range: { gte: string; lt: string }): AsyncGenerator<[string, string]> {
        const waits = isSlow;
        const rows = await Array.fromAsync(super.iterator(range));
        if (waits) await new Promise<void>((resolve) => looks.push(resolve));
        yield* rows;
      }
    })(clock);
    let isPoison = true;
    const { host } = await memoryHost({ behaviours: [collector(() => isPoison)], clock, database });
    await host.accept(toyId("collector"), { type: "POISON" });
    await clock.pass(60_000);
    const [letter] = await host.deadLetters.list();
    const id = letter?.id ?? "";
    isPoison = false;
    const first = host.deadLetters.replay(id);
    isSlow = true;
    const both = Promise.allSettled([first, host.deadLetters.replay(id)]);
    await first;
    for (const look of looks) look();
    expect((await both).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await settled();
    expect(host.read(toyId("collector"))?.context["letters"]).toEqual([{ type: "POISON" }, { taken: id }]);
  });

  it("whose actions are being done again keep their rows over a restart, whatever is replayed then", async () => {
    let isDown = true;
    const done: unknown[] = [];
    const note: Effect = async (input, { signal }) => {
      if (isDown) throw new Error("down");
      done.push(input);
      await endless(input, { signal } as never);
    };
    const clock = new SimulatedClock();
    const setup = { behaviours: [noter(note)], actionLife: 1_000, clock };
    const first = await memoryHost(setup);
    const replayOne = async ({ host }: typeof first): Promise<void> => {
      const [letter] = await host.deadLetters.list();
      await host.deadLetters.replay(letter?.id ?? "");
      await settled();
    };
    for (const n of [1, 2]) await first.host.accept(toyId("noter"), { type: "NOTE", n });
    await clock.pass(10_000);
    isDown = false;
    await replayOne(first);
    const database = first.database.powerLoss();
    const second = await memoryHost({ ...setup, database });
    await replayOne(second);
    expect(database.values("o|")).toHaveLength(2);
  });

  it("whose rows cannot be read are not written over", async () => {
    const { database, clock, host } = await memoryHost({ behaviours: [collector()] });
    const damaged = `d|${toyId("collector")}|000000000000009`;
    await host.drain(0);
    await database.batch([{ type: "put", key: damaged, value: "{" }], { sync: true });
    const again = await memoryHost({ behaviours: [collector()], clock, database });
    await again.host.accept(toyId("collector"), { type: "POISON" });
    await clock.pass(60_000);
    expect(database.getSync(damaged)).toBe("{");
    // Whatever comes is numbered after it.
    expect(database.keys().filter((key) => key.startsWith("d|"))).toEqual([damaged, expect.any(String)]);
  });

  it("that are not there may be asked for again", async () => {
    const { host } = await memoryHost({ behaviours: [collector()] });
    for (const _ of [1, 2]) await expect(host.deadLetters.drop("1-1", "")).rejects.toThrow("there is no dead letter");
  });

  it("wait for a decision for thirty days, the newest 100 of an actor longer, and are told of when they go", async () => {
    const { host, clock, notices } = await memoryHost({
      behaviours: [collector()],
      policy: { crashesPerEvent: 1, minBackoff: 10, maxBackoff: 10, intensity: 999, period: day },
    });
    for (let n = 0; n < 130; n++) {
      await host.accept(toyId("collector"), { type: "POISON" });
      await clock.pass(100);
    }
    await host.accept(toyId("collector", "quiet"), { type: "POISON" });
    const letters = await host.deadLetters.list(toyId("collector"));
    expect(letters).toHaveLength(130);
    await clock.pass(29 * day);
    expect(await host.deadLetters.list()).toHaveLength(131);
    await clock.pass(2 * day);
    expect(await host.deadLetters.list(toyId("collector"))).toEqual(letters.slice(30));
    expect(await host.deadLetters.list(toyId("collector", "quiet"))).toHaveLength(1);
    const dropped = notices.flatMap((notice) => (notice.kind === "dropped" ? [notice] : []));
    expect(new Set(dropped.map(({ letter }) => letter.id))).toEqual(new Set(letters.slice(0, 30).map(({ id }) => id)));
    expect(dropped).toHaveLength(30);
    expect(dropped[0]?.reason).toBe("nobody decided about it in time");
    await host.drain(1_000);
  });
});

describe("ids of events", () => {
  it("are known for seven days, and the newest 1,000 of an actor longer", async () => {
    const { host, clock, database } = await memoryHost({ behaviours: [collector()] });
    const busy = toyId("collector", "busy");
    const quiet = toyId("collector", "quiet");
    for (const id of ["old 1", "old 2", "old 3"]) await host.accept(busy, { type: "ADD", n: 0 }, { id });
    await host.accept(quiet, { type: "ADD", n: 0 }, { id: "old" });
    await clock.pass(3.5 * day);
    await Promise.all(Array.from({ length: 999 }, (_, n) => host.accept(busy, { type: "ADD", n }, { id: `new ${n}` })));
    await clock.pass(3.4 * day);
    expect(database.keys().filter((key) => key.startsWith("s|"))).toHaveLength(1_003);
    await clock.pass(1.1 * day);
    expect(database.keys().filter((key) => key.startsWith("s|"))).toHaveLength(1_001);
    const before = host.read(busy)?.revision;
    await host.accept(busy, { type: "ADD", n: 0 }, { id: "new 1" });
    await host.accept(quiet, { type: "ADD", n: 0 }, { id: "old" });
    expect(host.read(busy)?.revision).toBe(before);
    expect(host.read(quiet)?.revision).toBe(2);
    await host.drain(1_000);
    expect(clock.pending).toBe(0);
  });
});
