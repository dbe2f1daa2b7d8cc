import type { Clock } from "../../src/runtime/clock.ts";
import type { CrashReport } from "../../src/runtime/crash.ts";
import { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { Store } from "../../src/runtime/embedded/store.ts";
import type { Notice } from "../../src/runtime/host.ts";
import type { HostSetup } from "./host-conformance.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { SimulatedClock } from "./simulated-clock.ts";

export interface MemoryHost {
  readonly clock: SimulatedClock;
  readonly database: MemoryDatabase;
  readonly host: EmbeddedHost;
  readonly crashes: readonly CrashReport[];
  readonly notices: readonly Notice[];
  readonly failures: readonly unknown[];
}

/** An embedded host whose disk and time are simulated, so that everything happens when the test says so. */
export async function memoryHost(
  setup: HostSetup & {
    readonly clock?: SimulatedClock;
    readonly database?: MemoryDatabase;
    /** As this host sees the time. */
    readonly lifetime?: Clock;
  },
): Promise<MemoryHost> {
  const { clock = new SimulatedClock(), database = new MemoryDatabase(clock), lifetime = clock, ...options } = setup;
  const crashes: CrashReport[] = [];
  const notices: Notice[] = [];
  const failures: unknown[] = [];
  const store = new Store(database, (error) => failures.push(error));
  const host = new EmbeddedHost({
    store,
    clock: lifetime,
    jitterSeed: "seed",
    ...options,
    onCrash: (report) => crashes.push(report),
    onNotice: (notice) => notices.push(notice),
    onUnreadable: (_, error) => failures.push(error),
    onListenerError: (error) => failures.push(error),
  });
  await host.start();
  return { clock, database, host, crashes, notices, failures };
}
