import { expect, test } from "vitest";
import { StoredLedger } from "../../src/runtime/embedded/ledger.ts";
import { StoreUnavailable } from "../../src/runtime/embedded/store/unavailable.ts";
import { Store } from "../../src/runtime/embedded/store.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { SimulatedClock } from "./simulated-clock.ts";

function open(database = new MemoryDatabase(new SimulatedClock()), most = 3) {
  const store = new Store(database, () => undefined);
  return { database, store, ledger: new StoredLedger(() => store, "audit", most) };
}

const valuesOf = (rows: readonly { readonly value: unknown }[]) => rows.map(({ value }) => value);

test("a ledger keeps the newest rows, and no more than it may", async () => {
  const { ledger, database } = open();
  for (let n = 0; n < 10; n++) await ledger.append({ n });
  expect(valuesOf(await ledger.page(100))).toEqual([{ n: 9 }, { n: 8 }, { n: 7 }]);
  expect(database.keys().filter((key) => key.startsWith("l|"))).toHaveLength(3);
});

test("rows that are added at once each have a place of their own", async () => {
  const { ledger } = open(undefined, 100);
  await Promise.all(Array.from({ length: 20 }, (_, n) => ledger.append({ n })));
  const rows = await ledger.page(100);
  expect(new Set(rows.map(({ position }) => position)).size).toBe(20);
  expect(valuesOf(rows)).toHaveLength(20);
});

test("the next process goes on where the last one ended", async () => {
  const { ledger, database } = open();
  for (let n = 0; n < 5; n++) await ledger.append({ n });
  const next = open(database.powerLoss());
  await next.ledger.append({ n: 5 });
  expect(valuesOf(await next.ledger.page(100))).toEqual([{ n: 5 }, { n: 4 }, { n: 3 }]);
});

test("two ledgers do not mix, also where one's name begins like the other's", async () => {
  const { store, ledger } = open();
  const other = new StoredLedger(() => store, "audits", 3);
  await other.append({ other: true });
  await ledger.append({ other: false });
  expect([valuesOf(await ledger.page(9)), valuesOf(await other.page(9))]).toEqual([
    [{ other: false }],
    [{ other: true }],
  ]);
});

test("a ledger goes on when its store is open again", async () => {
  const { store } = open();
  let isOpen = false;
  const ledger = new StoredLedger(
    () => {
      if (!isOpen) throw new StoreUnavailable("closed", "the disk is full", "Make room.");
      return store;
    },
    "audit",
    3,
  );
  await expect(ledger.append({ n: 0 })).rejects.toThrow(StoreUnavailable);
  await expect(ledger.page(1)).rejects.toThrow(StoreUnavailable);
  isOpen = true;
  await ledger.append({ n: 1 });
  expect(valuesOf(await ledger.page(9))).toEqual([{ n: 1 }]);
});
