import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { openLevel } from "../../src/runtime/embedded/open.ts";
import type { FakeHomeserver } from "../ports/fake-homeserver.ts";
import { configName } from "./town.ts";

/** Beside the store's rows, what is kept in files: the data folder as it was left, and what the homeserver has of it. */
const kept = ["store.identity", "instance-secret", "passwords"];

const rows = z.array(z.tuple([z.string(), z.string()]));
const content = z.record(z.string(), z.unknown());
const homeserverState = z.object({
  sessions: z.array(z.object({ userId: z.string(), deviceId: z.string(), accessToken: z.string() })),
  aliases: z.record(z.string(), z.string()),
  /** In the order in which they came. */
  events: z.array(
    z.object({
      roomId: z.string(),
      event: z.object({
        eventId: z.string(),
        type: z.string(),
        sender: z.string(),
        content,
        originServerTs: z.number(),
        stateKey: z.string().exactOptional(),
      }),
    }),
  ),
});

/** The rows as LevelDB has them, one a line. */
export async function rowsOf(fixture: string): Promise<readonly (readonly [key: string, sealed: string])[]> {
  return rows.parse(JSON.parse(await readFile(join(fixture, "store.json"), "utf8")));
}

/** Writes down what a process has left in `folder`. */
export async function save(folder: string, homeserver: FakeHomeserver, fixture: string): Promise<void> {
  await mkdir(fixture, { recursive: true });
  const level = await openLevel(join(folder, "data", "store"), { create: false });
  const all = await level.iterator().all();
  await level.close();
  await writeLines(join(fixture, "store.json"), all);
  for (const file of kept) await cp(join(folder, "data", file), join(fixture, file));
  await cp(join(folder, configName), join(fixture, configName));
  const events = [...homeserver.rooms.values()]
    .flatMap(({ roomId, events: its }) => its.map((event) => ({ roomId, event })))
    .toSorted((a, b) => placeOf(a.event) - placeOf(b.event));
  const { sessions } = homeserver;
  await writeFile(
    join(fixture, "homeserver.json"),
    `${JSON.stringify({ sessions, aliases: Object.fromEntries(homeserver.aliases), events }, null, 1)}\n`,
  );
}

/** Makes a folder what it was. */
export async function restore(fixture: string, folder: string): Promise<void> {
  const data = join(folder, "data");
  await mkdir(data, { recursive: true });
  const level = await openLevel(join(data, "store"), { create: true });
  const puts = (await rowsOf(fixture)).map(([key, value]) => ({ type: "put" as const, key, value }));
  await level.batch(puts, { sync: true });
  await level.close();
  for (const file of kept) await cp(join(fixture, file), join(data, file));
  await cp(join(fixture, configName), join(folder, configName));
}

/** Has a homeserver know the sessions and rooms that it had. */
export async function repopulate(fixture: string, homeserver: FakeHomeserver): Promise<void> {
  const { sessions, aliases, events } = homeserverState.parse(
    JSON.parse(await readFile(join(fixture, "homeserver.json"), "utf8")),
  );
  for (const session of sessions) homeserver.recognise(session);
  for (const { roomId, event } of events) {
    homeserver.ensureRoom(roomId);
    homeserver.post(roomId, event);
  }
  for (const [alias, roomId] of Object.entries(aliases)) homeserver.aliases.set(alias, roomId);
}

function placeOf({ eventId }: { readonly eventId: string }): number {
  return Number(eventId.slice("$event-".length));
}

async function writeLines(file: string, all: readonly unknown[]): Promise<void> {
  await writeFile(file, `[\n${all.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`);
}
