import { expect, test } from "vitest";
import { actorId } from "../../src/runtime/actor-id.ts";
import { Store } from "../../src/runtime/embedded/store.ts";
import { StoredBacklog } from "../../src/runtime/embedded/stored-backlog.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { SimulatedClock } from "./simulated-clock.ts";

const agent = actorId("test", "agent", "one");
const delivery = (id: string) => ({ event: { type: "PUSHED" }, id });

function store(database = new MemoryDatabase(new SimulatedClock())): Store {
  return new Store(database, () => undefined);
}

test("what several add to a store that was just opened is counted, all of it", async () => {
  const backlog = new StoredBacklog({ current: store() });
  const adding = ["1", "2", "3"].map((id) => backlog.add(agent, [delivery(id)]));
  await Promise.all([...adding, backlog.counts()]);
  expect([...(await backlog.counts())]).toEqual([[agent, 3]]);
});

test("what is taken from a store that was just opened is not counted as if it were twice", async () => {
  const database = new MemoryDatabase(new SimulatedClock());
  await new StoredBacklog({ current: store(database) }).add(agent, [delivery("1"), delivery("2")]);
  const opened = { current: store(database) };
  const first = await new StoredBacklog(opened).first(agent);
  const backlog = new StoredBacklog(opened);
  await backlog.remove(agent, first?.key ?? "");
  expect([...(await backlog.counts())]).toEqual([[agent, 1]]);
});

test("another store is counted anew", async () => {
  const current = { current: store() };
  const backlog = new StoredBacklog(current);
  await backlog.add(agent, [delivery("1")]);
  current.current = store();
  expect([...(await backlog.counts())]).toEqual([]);
});
