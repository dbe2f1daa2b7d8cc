import { describe, expect, it } from "vitest";
import { memoryHost } from "./memory-host.ts";
import { noter, toyId } from "./toys.ts";

const day = 24 * 3_600_000;

describe("how long an action is tried", () => {
  it("is its life as time passes, whatever somebody sets the clock to", async () => {
    const tries: number[] = [];
    const { host, clock, database } = await memoryHost({
      behaviours: [
        noter(async () => {
          tries.push(clock.elapsed());
          throw new Error("never");
        }),
      ],
      actionLife: day,
    });
    await host.accept(toyId("noter"), { type: "NOTE", n: 1 });
    clock.set(365 * day);
    await clock.pass(day - 60_001);
    expect(database.values("d|")).toEqual([]);
    clock.set(-365 * day);
    await clock.pass(200_000);
    expect(database.values("d|")).toHaveLength(1);
    expect(tries.length).toBeGreaterThan(1_000);
    await host.drain(1_000);
  });
});
