import { describe, expect, it } from "vitest";
import { NoReply } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { collector, noter, toyId } from "../toys.ts";

const id = toyId("collector");
const silent = toyId("noter");

export function asking(world: () => HostWorld): void {
  const open = () => world().open({ behaviours: [collector(), noter(async () => undefined)] });

  describe("ask", () => {
    it("gives what the chart replies", async () => {
      const { host } = await open();
      await host.accept(id, { type: "ADD", n: 1 });
      const answers = [1, 2].map(() => host.ask(id, { type: "ASK" }, { timeout: 1_000 }));
      expect(await Promise.all(answers)).toEqual([[1], [1]]);
      expect(world().clock.pending).toBeLessThanOrEqual(1);
    });

    it("rejects with NoReply when none comes in time; the event was taken", async () => {
      const { host } = await open();
      const asked = host.ask(silent, { type: "NOTE", n: 1 }, { timeout: 1_000 });
      const rejected = expect(asked).rejects.toThrow(NoReply);
      await expect.poll(() => host.read(silent)?.revision).toBe(2);
      await world().clock.pass(1_000);
      await rejected;
    });

    it("ends with its signal, also when that is aborted already", async () => {
      const { host } = await open();
      const controller = new AbortController();
      const asked = host.ask(silent, { type: "NOTE", n: 1 }, { timeout: 1_000, signal: controller.signal });
      controller.abort(new Error("gave up"));
      await expect(asked).rejects.toThrow("gave up");
      await expect(
        host.ask(silent, { type: "NOTE", n: 2 }, { timeout: 1_000, signal: controller.signal }),
      ).rejects.toThrow("gave up");
      await host.accept(silent, { type: "NOTE", n: 3 });
      expect(host.read(silent)?.revision).toBe(3);
    });

    it("is over when the host stops", async () => {
      const { host } = await open();
      const asked = host.ask(silent, { type: "NOTE", n: 1 }, { timeout: 1_000 });
      const rejected = expect(asked).rejects.toThrow(NoReply);
      await expect.poll(() => host.read(silent)?.revision).toBe(2);
      await host.drain(1_000);
      await rejected;
      expect(world().clock.pending).toBe(0);
    });

    it("is never answered with what a caller in an earlier process had asked for", async () => {
      const first = await open();
      let old: unknown;
      first.host.subscribe(({ line }) => {
        old = line;
      });
      await first.host.ask(id, { type: "ASK" }, { timeout: 1_000 });
      expect(old).toMatchObject({ event: "ASK" });
      await first.kill();
      await world().clock.pass(1);
      const { host } = await open();
      const asked = host.ask(silent, { type: "NOTE", n: 1 }, { timeout: 1_000 });
      const rejected = expect(asked).rejects.toThrow(NoReply);
      // The first ask of the process before had the name that a counter alone would give to this one.
      for (const replyTo of ["ask-1", `ask-${world().clock.now() - 1}-1`])
        await host.accept(id, { type: "ASK", replyTo });
      await world().clock.pass(1_000);
      await rejected;
    });
  });
}
