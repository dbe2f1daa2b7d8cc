import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/runtime/effect.ts";
import type { HostWorld } from "../host-conformance.ts";
import { aged, ageing, toyId } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("ageing");
const endless: Effect = () => new Promise(() => undefined);

export function records(world: () => HostWorld): void {
  const open = (...made: Parameters<typeof ageing>) => world().open({ behaviours: [ageing(...made)] });

  describe("a record of another version of its chart", () => {
    it("is refused when it is newer, and stays as it is", async () => {
      const first = await open(2, endless, aged);
      await first.host.accept(id, { type: "PING" });
      await first.kill();
      const second = await open(1, endless);
      await expect(second.host.accept(id, { type: "PING" })).rejects.toThrow("written by version 2");
      await second.kill();
      const { host } = await open(2, endless, aged);
      await host.accept(id, { type: "PING" });
      expect(host.read(id)).toMatchObject({ version: 2, revision: 3 });
    });

    it("has its actor shown as one that takes nothing, with what to do, and nobody can let it out", async () => {
      const first = await open(2, endless, aged);
      await first.host.accept(id, { type: "PING" });
      await first.kill();
      const { host } = await open(1, endless);
      const error = {
        message: expect.stringContaining("version 2"),
        remedy: expect.stringContaining("Run the version"),
      };
      expect(host.quarantined()).toEqual([id]);
      expect(host.health(id)).toMatchObject({ state: "quarantined", crash: { actor: id, error } });
      await expect(host.release(id)).rejects.toMatchObject(error);
      await expect(host.restart(id)).rejects.toMatchObject(error);
      await host.accept(toyId("ageing", "other"), { type: "PING" });
      expect(host.health(toyId("ageing", "other"))).toEqual({ state: "running" });
      expect(host.quarantined()).toEqual([id]);
    });

    it("is refused when it is older and there is no migration", async () => {
      const first = await open(1, endless);
      await first.host.accept(id, { type: "PING" });
      await first.kill();
      const { host } = await open(2, endless);
      await expect(host.accept(id, { type: "PING" })).rejects.toThrow("there is no migration between them");
      expect(host.read(id)).toMatchObject({ version: 1, revision: 2 });
    });

    it("is migrated: what it has gained starts, what it has lost does not", async () => {
      const started: string[] = [];
      const effect = (label: string): Effect => {
        return (_, { self }) => {
          started.push(`${label} ${self}`);
          return new Promise(() => undefined);
        };
      };
      const first = await open(1, effect("version 1"));
      await first.host.accept(id, { type: "PING" });
      expect(started).toEqual([`version 1 ${id}`]);
      await first.kill();
      // Killed before anything of it was written, the migration is done once more.
      const second = await open(2, effect("version 2"), aged);
      await until(() => started.length === 2);
      await second.kill();
      const third = await open(2, effect("again"), aged);
      await until(() => started.length === 3);
      expect(started.slice(1)).toEqual([`version 2 ${id}`, `again ${id}`]);
      expect(third.host.read(id)).toMatchObject({ version: 2, value: "fresh" });
      await third.host.accept(id, { type: "PING" });
      await third.kill();
      const last = await open(2, endless, aged);
      await world().clock.pass(1_000);
      await until(() => last.host.read(id)?.value === "over");
      await last.host.accept(id, { type: "PING" });
      await last.kill();
      const none: string[] = [];
      const { host } = await open(2, async () => void none.push("run"), aged);
      await host.accept(id, { type: "PING" });
      expect(none).toEqual([]);
    });
  });
}
