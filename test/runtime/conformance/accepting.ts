import { describe, expect, it } from "vitest";
import { HostStopped, MailboxFull } from "../../../src/runtime/host.ts";
import type { HostWorld } from "../host-conformance.ts";
import { settled } from "../simulated-clock.ts";
import { collector, toyId } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("collector");

export function accepting(world: () => HostWorld): void {
  const open = (mailboxLimit = 1_000) => world().open({ behaviours: [collector()], mailboxLimit });
  const add = (n: number) => ({ type: "ADD", n });

  describe("accept", () => {
    it("resolves when the event is durable", async () => {
      const first = await open();
      await first.host.accept(id, add(1));
      await first.kill();
      const { host } = await open();
      expect(host.read(id)).toMatchObject({ context: { numbers: [1] }, revision: 2 });
    });

    it("takes an event id once, also while the first is in flight, after a restart and after a kill", async () => {
      const first = await open();
      await Promise.all([1, 2, 3].map((n) => first.host.accept(id, add(n), { id: "same" })));
      await first.host.accept(id, add(4), { id: "same" });
      await first.host.accept(toyId("collector", "2"), add(5), { id: "same" });
      await first.kill();
      const second = await open();
      await second.host.accept(id, add(6), { id: "same" });
      await second.host.drain(1_000);
      await second.close();
      const { host } = await open();
      await host.accept(id, add(7), { id: "same" });
      expect(host.read(id)?.context["numbers"]).toEqual([1]);
      expect(host.read(toyId("collector", "2"))?.context["numbers"]).toEqual([5]);
    });

    it("acknowledges a duplicate only when the first is durable", async () => {
      const first = await open();
      const original = first.host.accept(id, add(1), { id: "same" });
      const duplicate = first.host.accept(id, add(1), { id: "same" });
      await duplicate;
      await first.kill();
      original.catch(() => undefined);
      const { host } = await open();
      expect(host.read(id)?.context["numbers"]).toEqual([1]);
    });

    it("keeps the order of each actor, while actors run side by side", async () => {
      const first = await open();
      const actors = ["a", "b", "c"].map((key) => toyId("collector", key));
      const numbers = Array.from({ length: 40 }, (_, n) => n);
      await Promise.all(numbers.flatMap((n) => actors.map((actor) => first.host.accept(actor, add(n)))));
      await first.kill();
      const { host } = await open();
      for (const actor of actors) expect(host.read(actor)?.context["numbers"]).toEqual(numbers);
    });

    it("loses and doubles nothing when it is killed at any moment, and what was not acknowledged is sent again", async () => {
      const acknowledged = new Set<number>();
      const numbers = Array.from({ length: 60 }, (_, n) => n);
      for (let life = 0; life < 12; life++) {
        const { host, kill } = await open();
        const due = numbers.slice(0, 5 * (life + 1)).filter((n) => !acknowledged.has(n));
        for (const n of due) void host.accept(id, add(n), { id: `${n}` }).then(() => acknowledged.add(n));
        for (let turn = 0; turn < life % 5; turn++) await settled();
        await kill();
      }
      const { host } = await open();
      for (const n of numbers) await host.accept(id, add(n), { id: `${n}` });
      expect(host.read(id)?.context["numbers"]).toEqual(numbers);
    });

    it("refuses what is not JSON, and keeps nothing of it", async () => {
      const { host } = await open();
      await expect(host.accept(id, { type: "ADD", n: Number.NaN })).rejects.toThrow('event "ADD".n is NaN');
      expect(host.read(id)).toBeUndefined();
    });

    it("refuses an actor whose chart it does not have, and keeps nothing", async () => {
      const first = await open();
      await expect(first.host.accept(toyId("stranger"), { type: "E" })).rejects.toThrow('no chart "stranger"');
      await first.kill();
      const { host } = await open();
      expect(host.read(toyId("stranger"))).toBeUndefined();
    });

    it("rejects with MailboxFull what comes too fast, keeps nothing of it, and takes the others' events", async () => {
      const { host } = await open(3);
      const accepted = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => host.accept(id, add(n))));
      expect(accepted.map(({ status }) => status)).toEqual([
        "fulfilled",
        "fulfilled",
        "fulfilled",
        "rejected",
        "rejected",
      ]);
      expect(accepted.at(-1)).toMatchObject({ reason: expect.any(MailboxFull) });
      await host.accept(toyId("collector", "other"), add(6));
      await host.accept(id, add(7));
      expect(host.read(id)?.context["numbers"]).toEqual([1, 2, 3, 7]);
    });

    it("rejects with HostStopped after the drain", async () => {
      const { host } = await open();
      await host.drain(1_000);
      await expect(host.accept(id, add(1))).rejects.toThrow(HostStopped);
      expect(host.read(id)).toBeUndefined();
    });
  });

  describe("only one host", () => {
    it("has the actors: a second is refused, and may have them when the first is gone", async () => {
      const first = await open();
      await expect(open()).rejects.toThrow("open in another process");
      await first.host.accept(id, add(1));
      await first.kill();
      const { host } = await open();
      expect(host.read(id)?.context["numbers"]).toEqual([1]);
    });
  });

  describe("subscribe", () => {
    it("calls the listener after each commit, in order, until it is ended", async () => {
      const { host } = await open();
      const seen: unknown[] = [];
      const end = host.subscribe(({ record, line }) => seen.push([line.event, record.context["numbers"]]));
      await Promise.all([host.accept(id, add(1)), host.accept(id, add(2), { cause: "because" })]);
      end();
      await host.accept(id, add(3));
      expect(seen).toEqual([
        ["xstate.init", []],
        ["ADD", [1]],
        ["ADD", [1, 2]],
      ]);
    });

    it("tells of nothing that a kill could take back", async () => {
      const first = await open();
      let killed: Promise<void> | undefined;
      first.host.subscribe(({ line }) => {
        if (line.event === "ADD") killed ??= first.kill();
      });
      first.host.accept(id, add(1)).catch(() => undefined);
      await until(() => killed !== undefined);
      await killed;
      const { host } = await open();
      expect(host.read(id)?.context["numbers"]).toEqual([1]);
    });

    it("is not harmed by a listener that throws", async () => {
      const { host } = await open();
      const seen: string[] = [];
      host.subscribe(() => {
        throw new Error("a listener's own trouble");
      });
      host.subscribe(({ line }) => seen.push(line.event));
      await host.accept(id, add(1));
      expect(seen).toEqual(["xstate.init", "ADD"]);
    });
  });

  describe("the journal", () => {
    it("tells each transition's event, states, effects and cause, across restarts", async () => {
      const first = await open();
      await first.host.accept(id, add(1), { cause: "command 7" });
      await first.kill();
      const { host } = await open();
      await host.accept(id, { type: "UNKNOWN" });
      const lines = await host.journal(id);
      expect(lines.map(({ revision, event, cause, handled }) => [revision, event, cause, handled])).toEqual([
        [1, "xstate.init", "command 7", true],
        [2, "ADD", "command 7", true],
        [3, "UNKNOWN", undefined, false],
      ]);
    });

    it("keeps the last 200", async () => {
      const { host } = await open();
      for (let n = 0; n < 250; n += 50)
        await Promise.all(Array.from({ length: 50 }, (_, k) => host.accept(id, add(n + k))));
      const lines = await host.journal(id);
      expect(lines.map(({ revision }) => revision)).toEqual(Array.from({ length: 200 }, (_, n) => 52 + n));
    });
  });

  describe("list", () => {
    it("gives all actors of one machine and realm, also the one without a key", async () => {
      const { host } = await open();
      const ids = [toyId("collector", "a"), toyId("collector", "b/c")];
      for (const one of ids) await host.accept(one, add(1));
      const records = [];
      for await (const record of host.list("test", "collector")) records.push(record.id);
      expect(records).toEqual(ids);
      for await (const record of host.list("elsewhere", "collector")) expect(record).toBeUndefined();
    });
  });
}
