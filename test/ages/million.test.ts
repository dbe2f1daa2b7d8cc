import { cp, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { openLevel, openStore } from "../../src/runtime/embedded/open.ts";
import { Retention } from "../../src/runtime/embedded/retention.ts";
import { put, type Store } from "../../src/runtime/embedded/store.ts";
import { journalLength } from "../../src/runtime/journal.ts";
import { eventually } from "../e2e/eventually.ts";
import { configName, Town } from "../formats/town.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { temporaryFolder } from "../runtime/temporary-folder.ts";

const day = 24 * 3_600_000;
const million = 1_000_000;

test("after a million messages, once their time is over, the store is no larger than after a thousand", {
  timeout: 300_000,
}, async () => {
  const folder = await temporaryFolder("million");
  const store = join(folder, "data", "store");
  await cp(join(import.meta.dirname, "..", "formats", configName), join(folder, configName));

  // A thousand as they really come, with real charts, host and store.
  const first = await Town.in(folder);
  const room = await talk(first, 500);
  const half = await rowsIn(store);
  const second = await Town.in(folder, first);
  await talk(second, 500);
  const thousand = await rowsIn(store);

  // What a message leaves for good is the note that its event was taken: all else is overwritten by the next one, gone
  // when it is done, or bounded by a count. So that note is all that there is a million of.
  const { "s|": seen, "j|": lines = 0, "r|": records = 0, ...others } = thousand;
  // The same of the look at each of the two agents that found it: no more of them come with the messages.
  const found = 2;
  expect([half["s|"], seen]).toEqual([500 + found, 1_000 + found]);
  expect([half["r|"], half["v|"]]).toEqual([records, others["v|"]]);
  expect(lines).toBeLessThanOrEqual(journalLength * records);
  const rest = Object.values(others).reduce((sum, count) => sum + count, 0);
  expect(rest).toBeLessThan(30);

  const clock = new SimulatedClock(Date.now());
  const expectReadable = (_: unknown, error: unknown): never => expect.unreachable(String(error));
  const age = async (): Promise<void> => {
    clock.advance(40 * day);
    await onStore(store, (opened) => new Retention(opened, clock, () => undefined, expectReadable).forget());
  };
  await age();
  const before = await compactedSize(store);

  const conversation = addressOf.conversation(first.homeserver.serverName, "agent-ann", room);
  const seasons = 4;
  for (let season = 0; season < seasons; season++) {
    await onStore(store, (opened) => takeAll(opened, conversation, season, million / seasons, clock));
    await age();
  }
  const after = await compactedSize(store);
  console.log(`${before} bytes after a thousand messages, ${after} after a million more`);
  expect(after).toBeLessThanOrEqual(2 * before);
  expect(await rowsIn(store)).toEqual(thousand);

  // It is a store like any other.
  const last = await Town.in(folder, first);
  await talk(last, 20);
});

/** Lives for so many questions and their answers. Gives the room. */
async function talk(town: Town, questions: number): Promise<string> {
  await town.app.start();
  const room = await town.roomOf("agent-ann");
  const atOnce = 20;
  for (let said = 0; said < questions; said += atOnce) {
    const before = town.letta.asked.length;
    for (let n = 0; n < atOnce; n++) town.say(room, `Question ${said + n}`);
    await eventually("the answers", () => (town.letta.asked.length >= before + atOnce ? true : undefined), 60_000, 5);
  }
  const asked = town.letta.asked.length;
  await eventually("the last answer", () => (town.answered().length === asked ? true : undefined));
  await town.app.stop();
  return room;
}

/** What remains of messages, through the commits that all actors share. */
async function takeAll(
  store: Store,
  to: ReturnType<typeof addressOf.conversation>,
  season: number,
  messages: number,
  clock: SimulatedClock,
): Promise<void> {
  const atOnce = 1_000;
  for (let n = 0; n < messages; n += atOnce) {
    clock.advance(60_000);
    const commits = Array.from({ length: atOnce }, (_, one) =>
      store.commit([put(keys.seen(to, `$event-${season}-${n + one}`), clock.now())]),
    );
    await Promise.all(commits);
  }
}

async function onStore(folder: string, work: (store: Store) => Promise<void>): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const { store, close } = await openStore(folder, failed.reject, { create: false });
  await Promise.race([work(store), failed.promise]);
  await close();
}

/** Of all files, with nothing in them that was deleted. */
async function compactedSize(folder: string): Promise<number> {
  const level = await openLevel(folder, { create: false });
  const compactRange: unknown = Reflect.get(level, "compactRange");
  if (typeof compactRange !== "function") throw new Error("this LevelDB cannot be compacted");
  await Reflect.apply(compactRange, level, ["", "\uffff"]);
  await level.close();
  // Its own files are tidied up when it is opened.
  await (await openLevel(folder, { create: false })).close();
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** How many there are of each kind. */
async function rowsIn(folder: string): Promise<Readonly<Record<string, number>>> {
  const level = await openLevel(folder, { create: false });
  const counts: Record<string, number> = {};
  for await (const key of level.keys()) counts[key.slice(0, 2)] = (counts[key.slice(0, 2)] ?? 0) + 1;
  await level.close();
  return counts;
}
