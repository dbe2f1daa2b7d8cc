import { describe, expect, it } from "vitest";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { type MemoryHost, memoryHost } from "./memory-host.ts";
import { settled } from "./simulated-clock.ts";
import { collector, mortal, toyId } from "./toys.ts";

describe("an actor with nothing to do is not in memory", () => {
  const id = toyId("collector");
  // What is not in memory is read anew each time.
  const isInMemory = ({ host }: Pick<MemoryHost, "host">, actor = id): boolean =>
    Object.is(host.read(actor), host.read(actor));

  it("when it was woken by an event that it had taken before", async () => {
    const world = await memoryHost({ behaviours: [collector()] });
    for (const _ of ["first", "second"]) {
      await world.host.accept(id, { type: "ADD", n: 1 }, { id: "a" });
      await settled();
      expect(isInMemory(world)).toBe(false);
    }
  });

  it("when it was woken by an event that means nothing to it any more, as it is done", async () => {
    const world = await memoryHost({ behaviours: [mortal()] });
    const done = toyId("mortal");
    for (const _ of ["first", "second"]) {
      await world.host.accept(done, { type: "END" });
      await settled();
      expect(isInMemory(world, done)).toBe(false);
    }
  });

  it("once a crash of it does not count any more", async () => {
    let isPoison = true;
    const world = await memoryHost({ behaviours: [collector(() => isPoison)] });
    await world.host.accept(id, { type: "POISON" });
    isPoison = false;
    await world.clock.pass(60_000);
    expect(isInMemory(world)).toBe(true);
    await world.clock.pass(600_000);
    expect(isInMemory(world)).toBe(false);
    await world.host.drain(1_000);
    expect(world.clock.pending).toBe(0);
  });

  it("while one that goes through what was held for it, and knows the first of that, keeps its place", async () => {
    const world = await memoryHost({ behaviours: [collector()] });
    await world.host.accept(id, { type: "ADD", n: 1 }, { id: "a" });
    const database = world.database.powerLoss();
    const row = (n: number, name: string) => ({
      type: "put" as const,
      key: keys.inbox(id, n),
      value: JSON.stringify({ stimulus: { kind: "event", event: { type: "ADD", n } }, id: name, crashes: 0 }),
    });
    await database.batch([row(1, "a"), row(2, "b")], { sync: true });
    database.delay = 40;
    const again = await memoryHost({ behaviours: [collector()], database });
    const third = again.host.accept(id, { type: "ADD", n: 3 });
    await again.clock.pass(100);
    await world.clock.pass(100);
    await third;
    expect(again.host.read(id)?.context["numbers"]).toEqual([1, 2, 3]);
  });
});
