import { afterEach, beforeEach, describe } from "vitest";
import type { Behaviour } from "../../src/runtime/behaviour.ts";
import type { RestartPolicy } from "../../src/runtime/crash.ts";
import type { Host } from "../../src/runtime/host.ts";
import type { BudgetPolicy } from "../../src/runtime/supervision/restart-budget.ts";
import { accepting } from "./conformance/accepting.ts";
import { asking } from "./conformance/asking.ts";
import { crashing } from "./conformance/crashing.ts";
import { effects } from "./conformance/effects.ts";
import { owing } from "./conformance/owing.ts";
import { records } from "./conformance/records.ts";
import { releasing } from "./conformance/releasing.ts";
import { restarting } from "./conformance/restarting.ts";
import { silence } from "./conformance/silence.ts";
import { stopping } from "./conformance/stopping.ts";
import { telling } from "./conformance/telling.ts";
import { timing } from "./conformance/timing.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

export interface HostSetup {
  readonly behaviours: readonly Behaviour[];
  readonly policy?: RestartPolicy;
  readonly budget?: BudgetPolicy;
  readonly mailboxLimit?: number;
  /** How long an action is repeated, ms. */
  readonly actionLife?: number;
}

export interface RunningHost {
  readonly host: Host;
  /** Ends it as a kill -9 does: whatever it still does is not written and reaches nobody. */
  kill(): Promise<void>;
  /** Lets its hold on the actors go, after a drain. */
  close(): Promise<void>;
}

/** Where hosts keep their actors: what one leaves behind is there for the next. */
export interface HostWorld {
  readonly clock: SimulatedClock;
  /** Makes a host and starts it. Rejects while another has the actors. */
  open(setup: HostSetup): Promise<RunningHost>;
  /** Ends all that is left. */
  dispose(): Promise<void>;
}

/** What anything that calls itself a {@link Host} must hold to. */
export function hostConformance(name: string, makeWorld: () => Promise<HostWorld>): void {
  describe(`${name} conforms to Host:`, () => {
    let world: HostWorld;
    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.dispose());
    for (const part of [
      accepting,
      effects,
      timing,
      telling,
      asking,
      stopping,
      crashing,
      releasing,
      restarting,
      owing,
      silence,
      records,
    ])
      part(() => world);
  });
}
