import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Resident } from "../crash/evidence.ts";
import { turnOf } from "../crash/marks.ts";
import type { RoomEvent } from "../crash/person.ts";
import { type Arrived, createNewcomer, moveIn } from "../crash/settle-in.ts";
import { startWorld, type World } from "../crash/world.ts";
import { Product } from "../faults/product.ts";
import { SmallDisk } from "../runtime/full-disk/small-disk.ts";
import { runCommand } from "./command.ts";
import { eventually } from "./eventually.ts";

/** What people see of a disk that becomes full, with stand-ins of the servers. */
export interface FullDiskStory {
  /** Nothing is in it yet. */
  readonly dir: string;
  /** The folder of the product's `app.ts`. */
  readonly source: string;
  /** How long anything may take, ms. */
  readonly within?: number;
}

/** Why the story cannot be played here. */
export interface Refused {
  readonly refused: string;
}

interface Asked {
  readonly roomId: string;
  readonly eventId: string;
  readonly nonce: string;
}

/**
 * Asks before the disk is full, while it becomes so, while it is, and afterwards, and after a restart. Gives what was
 * broken of the law: what was acknowledged stays, and new work is refused visibly.
 */
export async function playFullDisk(story: FullDiskStory): Promise<readonly string[] | Refused> {
  const dataFolder = join(story.dir, "data");
  await mkdir(dataFolder, { recursive: true });
  const disk = SmallDisk.mount(dataFolder, 40);
  if (!(disk instanceof SmallDisk)) return disk;
  const world = await startWorld(join(story.dir, "world"), { letta: "stand-in", homeserver: "synapse" });
  const stage = new Stage(story, world, disk);
  try {
    await stage.play();
    return stage.broken;
  } finally {
    await stage.close();
    await world.stop();
    disk.unmount();
  }
}

class Stage {
  readonly broken: string[] = [];
  readonly #story: FullDiskStory;
  readonly #world: World;
  readonly #disk: SmallDisk;
  readonly #asked: Asked[] = [];
  readonly #residents: Resident[] = [];
  #product: Product | undefined;

  constructor(story: FullDiskStory, world: World, disk: SmallDisk) {
    this.#story = story;
    this.#world = world;
    this.#disk = disk;
  }

  async play(): Promise<void> {
    const newcomers: Arrived[] = [];
    for (const id of ["f1", "f2", "f3"]) newcomers.push(await createNewcomer(this.#world, id));
    await this.#start();
    for (const newcomer of newcomers) this.#residents.push(await moveIn(this.#world, newcomer));
    await this.#askAll("before", "");
    await this.#awaitAnswers();
    // Some are being answered while the disk becomes full, the others come afterwards.
    await this.#askAll("during", "[[words=60]][[tps=60]]");
    await this.#disk.fill();
    await this.#askAll("full", "");
    await this.#lookWhetherItIsRefused();
    await this.#askAll("later", "");
    if ((await this.#finals()).size === this.#asked.length) this.broken.push("all is answered on a full disk");
    await this.#disk.free();
    await this.#awaitAnswers();
    await this.#askAll("after", "");
    await this.#awaitAnswers();
    await this.#restart();
    await this.#judge();
  }

  async close(): Promise<void> {
    await this.#product?.stop();
  }

  async #start(): Promise<void> {
    const { homeserver, letta, people } = this.#world;
    const { baseUrl: url, serverName, registrationSharedSecret: sharedSecret } = homeserver;
    this.#product = await Product.start({
      source: this.#story.source,
      dir: this.#story.dir,
      homeserver: { url, serverName, sharedSecret },
      lettaUrl: letta.url,
      people: people.map(({ userId }) => userId),
    });
  }

  /** What was acknowledged is found by the next process, too. */
  async #restart(): Promise<void> {
    try {
      await this.#product?.stop();
      this.#product = undefined;
      await this.#start();
    } catch (error) {
      this.broken.push(`it cannot be started again: ${String(error)}`);
      return;
    }
    await this.#askAll("restarted", "");
    await this.#awaitAnswers();
  }

  async #askAll(round: string, directives: string): Promise<void> {
    for (const { roomId, agentId } of this.#residents) {
      const nonce = `${round}-${agentId}`;
      const body = `Tell me about ${nonce}, please. [[nonce=${nonce}]]${directives}`;
      this.#asked.push({ roomId, nonce, eventId: await this.#ada.send(roomId, nonce, { msgtype: "m.text", body }) });
    }
  }

  async #awaitAnswers(): Promise<void> {
    const count = this.#asked.length;
    const isThere = async () => ((await this.#finals()).size >= count ? true : undefined);
    await eventually(`${count} answers`, isThere, this.#within).catch((error: unknown) =>
      this.broken.push(String(error)),
    );
  }

  async #lookWhetherItIsRefused(): Promise<void> {
    const { dir } = this.#story;
    const { baseUrl: url, serverName, registrationSharedSecret } = this.#world.homeserver;
    const configFile = join(dir, "letta-matrix.yaml");
    const registration = { shared_secret: registrationSharedSecret };
    const written = { data_folder: join(dir, "data"), homeserver: { url, server_name: serverName, registration } };
    await writeFile(configFile, JSON.stringify({ ...written, letta: { url: this.#world.letta.url } }), { mode: 0o600 });
    const what = "status to say that the store is closed";
    try {
      const { err } = await eventually(
        what,
        async () => {
          const outcome = await runCommand(configFile, ["status"]);
          return outcome.code === 0 ? undefined : outcome;
        },
        this.#within,
      );
      for (const said of [
        "the store is closed, since it could not be written",
        "No space left on device",
        "Free room on the disk of the data folder",
      ])
        if (!err.includes(said)) this.broken.push(`status does not say "${said}", but: ${err}`);
    } catch (error) {
      this.broken.push(String(error));
    }
  }

  /** One answer for each question, the right one, in order. */
  async #judge(): Promise<void> {
    const all = await this.#finals();
    for (const { eventId, nonce } of this.#asked) {
      const answers = all.get(eventId) ?? [];
      if (answers.length !== 1) this.broken.push(`${nonce} has ${answers.length} answers`);
      if (turnOf(answers[0]?.content)?.outcome !== "answer") this.broken.push(`${nonce} has an error for its answer`);
      if (!JSON.stringify(answers[0]?.content ?? "").includes(nonce)) this.broken.push(`${nonce} has another's answer`);
    }
    for (const { roomId } of this.#residents) {
      const inRoom = this.#asked.filter((one) => one.roomId === roomId).map(({ eventId }) => eventId);
      const order = [...all.keys()].filter((cause) => inRoom.includes(cause));
      if (order.join() !== inRoom.join()) this.broken.push(`in ${roomId} the answers stand in another order`);
    }
    const log = await readFile(join(this.#story.dir, "letta-matrix.log"), "utf8");
    for (const once of ["nothing is taken until the store can be written again", "the store is open again"])
      if (log.split(once).length !== 2) this.broken.push(`the log says ${log.split(once).length - 1} times: ${once}`);
  }

  async #finals(): Promise<ReadonlyMap<string, readonly RoomEvent[]>> {
    const found = new Map<string, RoomEvent[]>();
    for (const { roomId } of this.#residents)
      for (const event of (await this.#ada.read(roomId)).events) {
        const turn = turnOf(event.content);
        if (turn?.final === true) found.set(turn.cause, [...(found.get(turn.cause) ?? []), event]);
      }
    return found;
  }

  /** Once something is broken, more tells little more. */
  get #within(): number {
    const { within = 60_000 } = this.#story;
    return this.broken.length === 0 ? within : within / 10;
  }

  get #ada() {
    const [ada] = this.#world.people;
    if (ada === undefined) throw new Error("nobody is there to ask");
    return ada;
  }
}
