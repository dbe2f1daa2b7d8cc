import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseActorId } from "../../../src/runtime/actor-id.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { EmbeddedHost } from "../../../src/runtime/embedded/host.ts";
import { openDatabase } from "../../../src/runtime/embedded/open.ts";
import { type Database, Store } from "../../../src/runtime/embedded/store.ts";
import { courier, ledger, ledgerId, type Outside } from "../laws/courier.ts";
import { order } from "./orders.ts";

// Runs couriers on LevelDB until it is killed. What it does outside is a line in a file; what it is told comes on stdin,
// and each order that is durable is acknowledged on stdout. Arguments: folder, outside file, ms that a commit takes longer.

const [folder = "", outsideFile = "", delay = "0"] = process.argv.slice(2);
const outside = (line: string): void => appendFileSync(outsideFile, `${line}\n`);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A commit is slow, so that much happens while it is under way. */
function slowed(database: Database): Database {
  return {
    getSync: (key) => database.getSync(key),
    iterator: (range) => database.iterator(range),
    async batch(writes, options) {
      if (Number(delay) > 0) await pause(Number(delay));
      await database.batch(writes, options);
    },
  };
}

const effects: Outside = {
  async deliver({ n }, { self, signal }) {
    outside(`deliver ${self} ${n}`);
    await pause((n * 7) % 11, undefined, { signal });
    if (n % 5 === 0 && !failed.has(`${self} ${n}`)) {
      failed.add(`${self} ${n}`);
      throw new Error("nobody at home");
    }
    return { n };
  },
  async receipt({ n }, { self, signal }) {
    outside(`receipt ${self} ${n}`);
    await pause(n % 4, undefined, { signal });
  },
};
const failed = new Set<string>();

const database = await openDatabase(folder);
const store = new Store(slowed(database), (error) => {
  throw error;
});
const host = new EmbeddedHost({
  store,
  clock: systemClock,
  jitterSeed: "kill",
  behaviours: [courier(effects), ledger()],
});
await host.start();
say("ready");

for await (const line of createInterface({ input: process.stdin })) {
  const told = order.parse(JSON.parse(line));
  if (told.do === "accept") {
    void host
      .accept(parseActorId(told.to), { type: "PARCEL", n: told.n }, { id: told.id })
      .then(() => say(`ack ${told.id}`));
  } else if (told.do === "state") {
    const couriers = [];
    for await (const record of host.list("town", "courier"))
      couriers.push([record.id, record.context["taken"], record.value]);
    say(`state ${JSON.stringify({ couriers, lines: host.read(ledgerId)?.context["lines"] ?? [] })}`);
  } else {
    await host.drain(5_000);
    await store.flush();
    await database.close();
    process.exit(0);
  }
}
