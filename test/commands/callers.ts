import { callersOf } from "../../src/callers.ts";
import { Store, Vault } from "../../src/runtime/embedded/store.ts";
import { MemoryDatabase } from "../runtime/memory-database.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";

/** Tokens and an audit log on a store in memory; `again` opens both as the next process would. */
export async function callersInMemory(clock = new SimulatedClock(), database = new MemoryDatabase(clock)) {
  const store = new Store(database, () => undefined);
  const logged: object[] = [];
  const logger = { error: (fields: object, message?: string) => void logged.push({ ...fields, message }) };
  const callers = await callersOf(new Vault(store), () => store, clock, logger);
  return { ...callers, clock, database, logged, again: () => callersInMemory(clock, database.powerLoss()) };
}
