import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Resident } from "../crash/evidence.ts";
import { turnOf } from "../crash/marks.ts";
import type { RoomEvent } from "../crash/person.ts";
import { type Arrived, createNewcomer, moveIn } from "../crash/settle-in.ts";
import { productSource, startWorld, type World } from "../crash/world.ts";
import { Product } from "../faults/product.ts";
import { SmallDisk } from "../runtime/full-disk/small-disk.ts";
import { runCommand } from "./command.ts";
import { eventually } from "./eventually.ts";

/** What people see of a disk that becomes full, with stand-ins of the servers. */

let dir: string;
let dataFolder: string;
let disk: ReturnType<typeof SmallDisk.mount>;
let world: World | undefined;
let product: Product | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "letta-matrix-full-"));
  dataFolder = join(dir, "data");
  await mkdir(dataFolder);
  disk = SmallDisk.mount(dataFolder, 40);
});

afterAll(async () => {
  await product?.stop();
  await world?.stop();
  if (disk instanceof SmallDisk) disk.unmount();
  await rm(dir, { recursive: true });
});

test("every question gets one answer, when there is room again for those that came while there was none", {
  timeout: 120_000,
}, async ({ skip }) => {
  if (!(disk instanceof SmallDisk)) return skip(disk.refused);
  world = await startWorld(join(dir, "world"), { letta: "stand-in", homeserver: "synapse" });
  const { homeserver, letta, people } = world;
  const { baseUrl: url, serverName, registrationSharedSecret: sharedSecret } = homeserver;
  const newcomers: Arrived[] = [];
  for (const id of ["f1", "f2", "f3"]) newcomers.push(await createNewcomer(world, id));
  product = await Product.start({
    source: productSource,
    dir,
    homeserver: { url, serverName, sharedSecret },
    lettaUrl: letta.url,
    people: people.map(({ userId }) => userId),
  });
  const residents: Resident[] = [];
  for (const newcomer of newcomers) residents.push(await moveIn(world, newcomer));

  const [ada] = people;
  if (ada === undefined) throw new Error("nobody is there to ask");
  const asked: { readonly roomId: string; readonly eventId: string; readonly nonce: string }[] = [];
  const askAll = async (round: string, directives: string): Promise<void> => {
    for (const { roomId, agentId } of residents) {
      const nonce = `${round}-${agentId}`;
      const body = `Tell me about ${nonce}, please. [[nonce=${nonce}]]${directives}`;
      asked.push({ roomId, nonce, eventId: await ada.send(roomId, nonce, { msgtype: "m.text", body }) });
    }
  };
  const finals = async (): Promise<ReadonlyMap<string, readonly RoomEvent[]>> => {
    const found = new Map<string, RoomEvent[]>();
    for (const { roomId } of residents)
      for (const event of (await ada.read(roomId)).events) {
        const turn = turnOf(event.content);
        if (turn?.final === true) found.set(turn.cause, [...(found.get(turn.cause) ?? []), event]);
      }
    return found;
  };
  const answered = (count: number) =>
    eventually(`${count} answers`, async () => ((await finals()).size >= count ? true : undefined), 60_000);

  await askAll("before", "");
  await answered(3);

  // Some are being answered while the disk becomes full, the others come afterwards.
  await askAll("during", "[[words=60]][[tps=60]]");
  await disk.fill();
  await askAll("full", "");
  const configFile = join(dir, "letta-matrix.yaml");
  const registration = { shared_secret: sharedSecret };
  const written = { data_folder: dataFolder, homeserver: { url, server_name: serverName, registration } };
  await writeFile(configFile, JSON.stringify({ ...written, letta: { url: letta.url } }), { mode: 0o600 });
  const refused = await eventually("status to say that the store is closed", async () => {
    const outcome = await runCommand(configFile, ["status"]);
    return outcome.code === 0 ? undefined : outcome;
  });
  expect(refused.err).toContain("the store is closed, since it could not be written");
  expect(refused.err).toContain("No space left on device");
  expect(refused.err).toContain("Free room on the disk of the data folder");
  await askAll("later", "");
  expect((await finals()).size).toBeLessThan(asked.length);

  await disk.free();
  await answered(asked.length);
  const status = await runCommand(configFile, ["status"]);
  expect(status).toMatchObject({ code: 0 });
  await askAll("after", "");
  await answered(asked.length);

  const all = await finals();
  expect([...all.keys()].toSorted()).toEqual(asked.map(({ eventId }) => eventId).toSorted());
  for (const { eventId, nonce } of asked) {
    const answers = all.get(eventId) ?? [];
    expect(answers).toHaveLength(1);
    expect(turnOf(answers[0]?.content)?.outcome).toBe("answer");
    expect(JSON.stringify(answers[0]?.content)).toContain(nonce);
  }
  // In order, room by room.
  for (const { roomId } of residents) {
    const order = [...all.keys()].filter((cause) =>
      asked.some((one) => one.eventId === cause && one.roomId === roomId),
    );
    expect(order).toEqual(asked.filter((one) => one.roomId === roomId).map(({ eventId }) => eventId));
  }
  const log = await readFile(join(dir, "letta-matrix.log"), "utf8");
  for (const once of ["nothing is taken until the store can be written again", "the store is open again"])
    expect(log.split(once)).toHaveLength(2);
});
