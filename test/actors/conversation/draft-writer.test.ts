import { beforeEach, describe, expect, test } from "vitest";
import { SendBudget } from "../../../src/actors/conversation/draft-budget.ts";
import { type DraftRoom, DraftWriter } from "../../../src/actors/conversation/draft-writer.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";

interface Sent {
  readonly at: number;
  readonly text: string;
  readonly isEdit: boolean;
}

/** A room in which each send takes a while, and fails where it is told to. */
class SlowRoom implements DraftRoom {
  readonly sent: Sent[] = [];
  readonly #clock: SimulatedClock;
  readonly #begun: number;
  took = 50;
  failure: unknown;
  underWay = 0;
  mostUnderWay = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
    this.#begun = clock.now();
  }

  async begin(text: string): Promise<string> {
    await this.#send(text, false);
    return "$draft";
  }

  async edit(draft: string, text: string): Promise<void> {
    expect(draft).toBe("$draft");
    await this.#send(text, true);
  }

  async #send(text: string, isEdit: boolean): Promise<void> {
    this.underWay++;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await new Promise<void>((resolve) => void this.#clock.schedule(this.took, resolve));
    this.underWay--;
    this.sent.push({ at: this.#clock.now() - this.#begun, text, isEdit });
    if (this.failure !== undefined) throw this.failure;
  }
}

let clock: SimulatedClock;
let room: SlowRoom;
let budget: SendBudget;
let writer: DraftWriter;

beforeEach(() => {
  clock = new SimulatedClock();
  room = new SlowRoom(clock);
  budget = new SendBudget({ ratePerSecond: 100, burst: 100 }, clock);
  writer = new DraftWriter(room, budget, clock);
});

/** An answer that grows by a word every 50 ms. */
async function grow(words: number): Promise<void> {
  let text = "";
  for (let n = 1; n <= words; n++) {
    text += `word${n} `;
    const now = text;
    writer.update(() => now);
    await clock.pass(50);
  }
}

describe("drafts", () => {
  test("are not sent for an answer that is complete within moments", async () => {
    writer.update(() => "so");
    await clock.pass(200);
    await writer.stop();
    await clock.pass(10_000);
    expect(room.sent).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("grow, each later than the one before, and never two at once", async () => {
    await grow(600);
    await writer.stop();
    const { sent } = room;
    expect(sent[0]?.at).toBeLessThan(500);
    expect(sent.map(({ isEdit }) => isEdit)).toEqual(sent.map((_, index) => index > 0));
    for (const [index, { text }] of sent.entries()) expect(text.startsWith(sent[index - 1]?.text ?? "")).toBe(true);
    const pauses = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));
    expect(pauses[0]).toBeLessThan(700);
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual((pauses[index - 1] ?? 0) - 1);
    expect(pauses.at(-1)).toBeLessThan(5_200);
    expect(sent.length).toBeLessThan(16);
    expect(room.mostUnderWay).toBe(1);
  });

  test("wait for one that takes long", async () => {
    room.took = 20_000;
    await grow(600);
    expect(room.mostUnderWay).toBe(1);
    expect(room.sent).toHaveLength(1);
    const stopped = writer.stop();
    await clock.pass(20_000);
    await stopped;
    expect(room.underWay).toBe(0);
  });

  test("stop only when none is under way any more", async () => {
    await grow(7);
    room.took = 5_000;
    await grow(20);
    let isStopped = false;
    const stopped = writer.stop().then(() => {
      isStopped = true;
    });
    await settled();
    expect([room.underWay, isStopped]).toEqual([1, false]);
    await clock.pass(5_000);
    await stopped;
    expect(clock.pending).toBe(0);
    const { length } = room.sent;
    writer.update(() => "more");
    await clock.pass(60_000);
    expect(room.sent).toHaveLength(length);
  });

  test("are not repeated while there is nothing new", async () => {
    writer.update(() => "so");
    await clock.pass(60_000);
    writer.update(() => "so");
    await clock.pass(60_000);
    expect(room.sent.map(({ text }) => text)).toEqual(["so"]);
  });

  test("are not sent as long as there is nothing to show", async () => {
    writer.update(() => "");
    await clock.pass(60_000);
    expect(room.sent).toEqual([]);
    writer.update(() => "now");
    await clock.pass(60_000);
    expect(room.sent.map(({ text }) => text)).toEqual(["now"]);
  });

  test("that fail are skipped: the next one shows more", async () => {
    room.failure = matrixError("unreachable");
    writer.update(() => "one");
    await clock.pass(400);
    room.failure = undefined;
    writer.update(() => "one two");
    await clock.pass(10_000);
    expect(room.sent.map(({ text, isEdit }) => [text, isEdit])).toEqual([
      ["one", false],
      ["one two", false],
    ]);
    await writer.stop();
  });

  test("pause when the homeserver wants it, finals included in the count", async () => {
    room.failure = matrixError("limited", 30_000);
    writer.update(() => "one");
    await clock.pass(400);
    room.failure = undefined;
    writer.update(() => "one two");
    await clock.pass(29_000);
    expect(room.sent).toHaveLength(1);
    await clock.pass(10_000);
    expect(room.sent.map(({ text }) => text)).toEqual(["one", "one two"]);
  });

  test("leave room for the final", async () => {
    budget = new SendBudget({ ratePerSecond: 0, burst: 5 }, clock);
    writer = new DraftWriter(room, budget, clock);
    await grow(2_000);
    expect(room.sent).toHaveLength(3);
  });

  test("show the beginning of a very long answer, cut between characters, and then rest", async () => {
    writer.update(() => "😀".repeat(10_000));
    await clock.pass(10_000);
    writer.update(() => "😀".repeat(20_000));
    await clock.pass(60_000);
    expect(room.sent).toHaveLength(1);
    const [{ text } = { text: "" }] = room.sent;
    expect(text.isWellFormed()).toBe(true);
    expect(text.endsWith("😀…")).toBe(true);
    const odd = new DraftWriter(room, budget, clock);
    odd.update(() => `x${"😀".repeat(10_000)}`);
    await clock.pass(10_000);
    expect(room.sent.at(-1)?.text.isWellFormed()).toBe(true);
  });

  test("end after a hundred: an event edited more often makes its room slow", async () => {
    for (let n = 0; n < 1_000; n++) {
      writer.update(() => `at ${n}`);
      await clock.pass(1_000);
    }
    expect(room.sent).toHaveLength(101);
    expect(clock.pending).toBe(0);
  });
});
