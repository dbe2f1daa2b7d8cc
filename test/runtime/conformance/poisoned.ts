import type { RestartPolicy } from "../../../src/runtime/crash.ts";
import type { Host } from "../../../src/runtime/host.ts";
import type { HostSetup, HostWorld } from "../host-conformance.ts";
import { collector, toyId } from "../toys.ts";
import { until } from "../until.ts";

/** An actor that collects numbers, and crashes on poison. */
export const id = toyId("collector");
export const poison = { type: "POISON", text: "bad" };
export const add = (n: number) => ({ type: "ADD", n });
export const policy: RestartPolicy = {
  crashesPerEvent: 3,
  minBackoff: 200,
  maxBackoff: 1_000,
  intensity: 6,
  period: 60_000,
};

/** Opens hosts of it. */
export function opener(world: () => HostWorld) {
  return (setup: Partial<HostSetup> = {}) => world().open({ behaviours: [collector()], policy, ...setup });
}

/** Waits until the actor runs again, or is quarantined. */
export function settling(world: () => HostWorld) {
  return (host: Host, actor = id) =>
    until(async () => {
      const health = host.health(actor);
      if (health.state !== "restarting") return true;
      await world().clock.pass(Math.max(0, health.until - world().clock.now()));
      return false;
    });
}
