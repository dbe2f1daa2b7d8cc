import { expect, test } from "vitest";
import { assign } from "xstate";
import { conversationBehaviour } from "../../../src/actors/conversation/behaviour.ts";
import { turnMarkOf } from "../../../src/actors/marker.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import type { Behaviour } from "../../../src/runtime/behaviour.ts";
import type { Host } from "../../../src/runtime/host.ts";
import { Lifetime } from "../../runtime/lifetime.ts";
import { MemoryDatabase } from "../../runtime/memory-database.ts";
import { memoryHost } from "../../runtime/memory-host.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

/** A conversation that crashes on each message: whoever wrote one is told so, once. */

const someTime = 400_000;
const step = 500;

/** Its chart crashes whenever it is to take a question. */
function crashing(w: TurnWorld): Behaviour {
  const behaviour = conversationBehaviour(w);
  const chart = behaviour.chart.provide({ actions: { enqueue: assign(() => JSON.parse("unbearable")) } });
  return { ...behaviour, chart };
}

/** A database whose process is killed at its nth batch, before that is written or after. */
class CutDatabase extends MemoryDatabase {
  cutAt = Number.POSITIVE_INFINITY;
  isWritten = false;
  onCut: () => void = () => undefined;

  override async batch(...batch: Parameters<MemoryDatabase["batch"]>): Promise<void> {
    const isCut = this.batches.length === this.cutAt;
    if (!isCut || this.isWritten) await super.batch(...batch);
    if (!isCut) return;
    this.onCut();
    await new Promise(() => undefined);
  }
}

async function street(questions: number) {
  const w = await turnWorld();
  const events = Array.from({ length: questions }, (_, n) => w.say(`question ${n + 1}`));
  const actor = addressOf.conversation("test", "agent-1", w.roomId);
  /** As the agent's intake does: until it is told that they are taken. */
  const give = async (host: Host): Promise<void> => {
    for (const { eventId, sender, originServerTs: sentAt } of events) {
      const question = { eventId, sender, sentAt, text: "why?", mentioned: false };
      await host.accept(actor, { type: "MESSAGE", question }, { id: eventId });
    }
  };
  /** The questions that have an end, one for each final that stands in the room. */
  const told = (): number[] =>
    w.sent.flatMap(({ content }) => {
      const mark = turnMarkOf(content);
      expect(mark?.outcome).toBe("error");
      expect(content["body"]).toContain("put it in other words");
      return [events.findIndex(({ eventId }) => eventId === mark?.cause) + 1];
    });
  return { w, actor, give, told };
}

test("each who wrote one is told, in their order, before the next one is given up", async () => {
  const { w, actor, give, told } = await street(3);
  const { host } = await memoryHost({ behaviours: [crashing(w)], clock: w.clock });
  await give(host);
  /** How many had been told when each was given up. */
  const given: number[] = [];
  for (let passed = 0; passed < someTime; passed += step) {
    await w.clock.pass(step);
    const letters = (await host.deadLetters.list(actor)).length;
    if (letters > given.length) given.push(told().length);
  }
  expect(told()).toEqual([1, 2, 3]);
  expect(given).toEqual([0, 1, 2]);
});

test("those before its quarantine have been told, and the others are when it is released", async () => {
  const { w, actor, give, told } = await street(6);
  const { host } = await memoryHost({ behaviours: [crashing(w)], clock: w.clock });
  await give(host);
  await w.clock.pass(someTime);
  expect(host.health(actor).state).toBe("quarantined");
  expect(told()).toEqual([1, 2, 3]);
  await host.release(actor);
  await w.clock.pass(someTime);
  expect(told()).toEqual([1, 2, 3, 4, 5, 6]);
});

test("nobody is told twice or never, also when the process is killed before or after any of its writes", async () => {
  const whole = await street(3);
  const uncut = await memoryHost({ behaviours: [crashing(whole.w)], clock: whole.w.clock });
  await whole.give(uncut.host);
  await whole.w.clock.pass(someTime);
  const batches = uncut.database.batches.length;
  expect(batches).toBeGreaterThan(15);
  for (let cutAt = 0; cutAt < batches; cutAt++)
    for (const isWritten of [false, true]) {
      const { w, give, told } = await street(3);
      const database = new CutDatabase(w.clock);
      const life = new Lifetime(w.clock);
      const killed = Promise.withResolvers<MemoryDatabase>();
      const first = await memoryHost({ behaviours: [crashing(w)], clock: w.clock, database, lifetime: life });
      Object.assign(database, { cutAt, isWritten });
      database.onCut = () => {
        life.end();
        killed.resolve(database.powerLoss());
        void first.host.drain(0);
      };
      void give(first.host);
      await w.clock.pass(someTime);
      const { host } = await memoryHost({ behaviours: [crashing(w)], clock: w.clock, database: await killed.promise });
      await give(host);
      await w.clock.pass(someTime);
      expect(told(), `cut at ${cutAt}, ${isWritten}`).toEqual([1, 2, 3]);
    }
});
