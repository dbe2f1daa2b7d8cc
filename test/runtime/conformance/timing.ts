import { describe, expect, it } from "vitest";
import type { HostWorld } from "../host-conformance.ts";
import { sleeper, toyId } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("sleeper");

export function timing(world: () => HostWorld): void {
  const open = () => world().open({ behaviours: [sleeper()] });
  const month = 30 * 24 * 3_600_000;

  describe("a timer", () => {
    it("fires once, at its time", async () => {
      const { clock } = world();
      const start = clock.now();
      const { host } = await open();
      await host.accept(id, { type: "SLEEP", wait: 1_000 });
      await clock.pass(499);
      expect(host.read(id)?.context["woken"]).toEqual([]);
      await clock.pass(1);
      expect(host.read(id)?.context["woken"]).toEqual([start + 500]);
      await clock.pass(10_000);
      await until(() => host.read(id)?.revision === 4);
      expect(host.read(id)?.context["woken"]).toEqual([start + 500, start + 1_000]);
      expect(host.read(id)?.timers).toEqual({});
    });

    it("keeps its time over kills, and fires once when it came due in between, the earlier first", async () => {
      const { clock } = world();
      const start = clock.now();
      const first = await open();
      await first.host.accept(id, { type: "SLEEP", wait: 1_000 });
      await clock.pass(100);
      await first.kill();
      clock.advance(300);
      const second = await open();
      await clock.pass(99);
      expect(second.host.read(id)?.context["woken"]).toEqual([]);
      await second.kill();
      clock.advance(5_000);
      const third = await open();
      await clock.pass(0);
      const late = start + 5_499;
      await until(() => third.host.read(id)?.revision === 4);
      expect(third.host.read(id)?.context["woken"]).toEqual([late, late]);
      await until(async () => (await third.host.journal(id)).length === 4);
      expect((await third.host.journal(id)).slice(2).map(({ event }) => event)).toEqual([
        "xstate.after.half.sleeper.asleep.b.on",
        "xstate.after.wait.sleeper.asleep.a.on",
      ]);
      await third.kill();
      const { host } = await open();
      await clock.pass(month);
      expect(host.read(id)?.revision).toBe(4);
    });

    it("may be longer than a Node timer can", async () => {
      const { clock } = world();
      const { host } = await open();
      await host.accept(id, { type: "SLEEP", wait: 2 * month });
      await clock.pass(month - 1);
      expect(host.read(id)?.context["woken"]).toEqual([]);
      await clock.pass(1);
      expect(host.read(id)?.context["woken"]).toHaveLength(1);
      await clock.pass(month);
      expect(host.read(id)?.context["woken"]).toHaveLength(2);
    });

    const year = 365 * 24 * 3_600_000;
    it.each([
      ["back by an hour", -3_600_000],
      ["back by years", -10 * year],
    ])("comes no later than it was to, where the clock was set %s while nothing ran", async (_, difference) => {
      const { clock } = world();
      const first = await open();
      await first.host.accept(id, { type: "SLEEP", wait: 1_000 });
      await clock.pass(100);
      await first.kill();
      clock.set(difference);
      const { host } = await open();
      await clock.pass(500);
      expect(host.read(id)?.context["woken"]).toHaveLength(1);
      await clock.pass(500);
      expect(host.read(id)?.context["woken"]).toHaveLength(2);
    });

    it.each([
      ["back by years", -10 * year],
      ["forward by years", 10 * year],
    ])("comes when it was to, where the clock is set %s meanwhile, or before it is durable", async (_, difference) => {
      const { clock } = world();
      const { host } = await open();
      const asleep = host.accept(id, { type: "SLEEP", wait: 1_000 });
      clock.set(difference);
      await asleep;
      await clock.pass(400);
      clock.set(difference);
      await clock.pass(600);
      expect(host.read(id)?.context["woken"]).toHaveLength(2);
    });

    it("comes no later than it was to, where the clock is set back, and its actor takes something before it is killed", async () => {
      const { clock } = world();
      const first = await open();
      await first.host.accept(id, { type: "SLEEP", wait: 1_000 });
      await clock.pass(100);
      clock.set(-3_600_000);
      await first.host.accept(id, { type: "NOTHING" });
      await first.kill();
      const { host } = await open();
      await clock.pass(1_000);
      expect(host.read(id)?.context["woken"]).toHaveLength(2);
    });

    it("is off when its state is left, also when it comes due before that is durable", async () => {
      const { clock } = world();
      const first = await open();
      await first.host.accept(id, { type: "SLEEP", wait: 1_000 });
      const left = first.host.accept(id, { type: "WAKE" });
      clock.advance(1_000);
      await left;
      expect(first.host.read(id)).toMatchObject({ value: "awake", context: { woken: [] }, timers: {} });
      await first.kill();
      const { host } = await open();
      await clock.pass(month);
      expect(host.read(id)?.revision).toBe(3);
    });

    it("of an earlier stay in a state does not end the next", async () => {
      const { clock } = world();
      const { host } = await open();
      await host.accept(id, { type: "SLEEP", wait: 1_000 });
      await clock.pass(400);
      const again = host.accept(id, { type: "SLEEP", wait: 1_000 });
      clock.advance(100);
      await again;
      expect(host.read(id)?.context["woken"]).toEqual([]);
      await clock.pass(400);
      expect(host.read(id)?.context["woken"]).toHaveLength(1);
    });
  });
}
