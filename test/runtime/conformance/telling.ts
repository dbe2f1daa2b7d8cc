import { describe, expect, it } from "vitest";
import type { Behaviour } from "../../../src/runtime/behaviour.ts";
import type { HostWorld } from "../host-conformance.ts";
import { collector, teller, toyId } from "../toys.ts";
import { until } from "../until.ts";

const id = toyId("teller");
const receiver = toyId("collector");

export function telling(world: () => HostWorld): void {
  const open = () => world().open({ behaviours: [collector(), teller()] });
  const tell = (n: number, more: object = {}, to: readonly string[] = [receiver]) => ({
    type: "TELL",
    to,
    event: { type: "ADD", n },
    ...more,
  });

  describe("a tell", () => {
    it("reaches its receiver once, in order, also when the host is killed in between", async () => {
      const numbers = Array.from({ length: 15 }, (_, n) => n);
      for (const n of numbers) {
        const { host, kill } = await open();
        const told = host.accept(id, tell(n), { id: `${n}` });
        if (n % 3 === 0) await told;
        else await Promise.race([told, new Promise((resolve) => setImmediate(resolve))]);
        told.catch(() => undefined);
        await kill();
        // What was not acknowledged is sent again, as every sender does.
        const again = await open();
        await again.host.accept(id, tell(n), { id: `${n}` });
        await until(() => again.host.read(receiver)?.context["numbers"] !== undefined);
        await again.kill();
      }
      const { host } = await open();
      await until(() => host.read(receiver)?.revision === numbers.length + 1);
      expect(host.read(receiver)?.context["numbers"]).toEqual(numbers);
    });

    it("with an id is taken once, whoever tells it; without one each counts", async () => {
      const first = await open();
      await first.host.accept(id, tell(1, { id: "same" }));
      await first.host.accept(toyId("teller", "2"), tell(2, { id: "same" }));
      await first.host.accept(receiver, { type: "ADD", n: 3 }, { id: "same" });
      await first.host.accept(id, tell(4));
      await first.host.accept(id, tell(4));
      await until(() => first.host.read(receiver)?.revision === 4);
      await first.kill();
      const { host } = await open();
      await host.accept(id, tell(5, { id: "same" }));
      await host.accept(id, tell(6));
      await until(() => host.read(receiver)?.revision === 5);
      expect(host.read(receiver)?.context["numbers"]).toEqual([1, 4, 4, 6]);
    });

    it("brings to life only whom its chart lets it, and is not known where it did not", async () => {
      const wakeful: Behaviour = {
        ...collector(),
        wakes: (stimulus) => stimulus.kind !== "event" || stimulus.event["n"] !== 0,
      };
      const first = await world().open({ behaviours: [teller(), wakeful] });
      await first.host.accept(id, tell(0, { id: "nothing yet" }));
      await first.host.accept(receiver, { type: "ADD", n: 0 }, { id: "nothing either" });
      await first.host.accept(toyId("teller", "2"), tell(0));
      expect(first.host.read(receiver)).toBeUndefined();
      await first.kill();
      const { host } = await world().open({ behaviours: [teller(), wakeful] });
      expect(host.read(receiver)).toBeUndefined();
      await host.accept(id, tell(1));
      await host.accept(toyId("teller", "3"), tell(0, { id: "nothing yet" }));
      await until(() => host.read(receiver)?.revision === 3);
      expect(host.read(receiver)?.context["numbers"]).toEqual([1, 0]);
    });

    it("may go to several, and to the actor's own kind", async () => {
      const { host } = await open();
      const other = toyId("collector", "2");
      await host.accept(id, { type: "TELL", to: [toyId("teller", "2")], event: tell(1, {}, [receiver, other]) });
      await until(() => [receiver, other].every((one) => host.read(one)?.revision === 2));
      expect(host.read(other)?.context["numbers"]).toEqual([1]);
    });

    it("to an actor whose chart is not there waits in the store until it is", async () => {
      const first = await world().open({ behaviours: [teller()] });
      await first.host.accept(id, tell(1));
      await first.kill();
      const { host } = await open();
      await until(() => host.read(receiver)?.revision === 2);
      expect(host.read(receiver)?.context["numbers"]).toEqual([1]);
    });
  });
}
