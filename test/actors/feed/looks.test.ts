import { beforeEach, describe, expect, test } from "vitest";
import { Looks } from "../../../src/actors/feed/looks.ts";
import type { Standing } from "../../../src/actors/feed/residents.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import type { ActorId } from "../../../src/runtime/actor-id.ts";
import type { Transition } from "../../../src/runtime/host.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { recordOf } from "../agent-record.ts";

const agents = Array.from({ length: 20 }, (_, n) => addressOf.agent("test", `agent-${n}`));
const [scout] = agents as [ActorId];

let clock: SimulatedClock;
let standings: Map<ActorId, Standing>;
let listeners: Set<(transition: Transition) => void>;
let given: ActorId[];
let looks: Looks;
let stop: AbortController;
let unavailable: Error | undefined;

beforeEach(() => {
  clock = new SimulatedClock();
  standings = new Map(agents.map((actor) => [actor, "open"]));
  listeners = new Set();
  given = [];
  unavailable = undefined;
  stop = new AbortController();
  looks = new Looks({
    clock,
    host: {
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    residents: {
      all: () => agents.map((actor) => ({ actor, userId: `@${actor}` })).values(),
      standingOf(actor) {
        if (unavailable !== undefined) throw unavailable;
        return standings.get(actor) ?? "closed";
      },
    },
  });
});

function all(): Promise<void> {
  return looks.all(async (actor, { event }) => {
    expect(event).toEqual({ type: "LOOK_BACK" });
    given.push(actor);
    standings.set(actor, "looking");
  }, stop.signal);
}

function isDone(actor: ActorId): void {
  standings.set(actor, "open");
  const record = recordOf({ id: actor, machine: "agent", value: {}, context: {} });
  for (const listener of listeners) listener({ record } as Transition);
}

describe("those who have yet to look back", () => {
  test("look a few at a time, each of them once", async () => {
    const done = all();
    await settled();
    expect(given).toHaveLength(8);
    for (let n = 0; n < agents.length; n++) {
      isDone(agents[n] as ActorId);
      await settled();
      expect(given).toHaveLength(Math.min(agents.length, 9 + n));
    }
    await done;
    expect(given).toEqual(agents);
    expect(listeners.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("are not kept waiting for ever by those who do not get through with it", async () => {
    const done = all();
    await clock.pass(100_000);
    await done;
    expect(given).toEqual(agents);
  });

  test("are left alone if they hear nothing, or are looking already", async () => {
    standings = new Map(agents.map((actor, n) => [actor, n % 2 === 0 ? "closed" : "looking"]));
    await all();
    expect(given).toEqual([]);
  });

  test("are overdue if they were looking when their turn came, and look once they are done with that", async () => {
    looks.owe();
    standings.set(scout, "looking");
    const done = all();
    await clock.pass(100_000);
    await done;
    expect(given).not.toContain(scout);
    expect([...looks.overdue]).toEqual([scout]);
    expect(looks.firstOf(scout), "in the middle of a look").toBeUndefined();
    standings.set(scout, "open");
    expect(looks.firstOf(scout)).toMatchObject({ event: { type: "LOOK_BACK" } });
    expect([...looks.overdue]).toEqual([]);
  });

  test("are not overdue if they look for what they owe", async () => {
    looks.owe();
    looks.firstOf(scout);
    standings.set(scout, "looking");
    const done = all();
    await clock.pass(100_000);
    await done;
    expect([...looks.overdue]).toEqual([]);
  });

  test("are not done with it where nothing is known of them now", async () => {
    const closed = new Error("closed");
    closed.name = "StoreUnavailable";
    unavailable = closed;
    await expect(all()).rejects.toBe(closed);
    unavailable = undefined;
    void all().catch(() => undefined);
    await settled();
    expect(given).toHaveLength(8);
    stop.abort(new Error("over"));
  });

  test("begin no further look once it is over", async () => {
    const done = all();
    await settled();
    stop.abort(new Error("over"));
    await expect(done).rejects.toThrow("over");
    expect(given).toHaveLength(8);
    expect(clock.pending).toBe(0);
  });

  test("look before anything else, once, and not again in their turn's place", async () => {
    expect(looks.firstOf(scout)).toBeUndefined();
    looks.owe();
    standings.set(scout, "looking");
    expect(looks.firstOf(scout), "it may have begun before").toBeUndefined();
    standings.set(scout, "open");
    expect(looks.firstOf(scout)).toMatchObject({ event: { type: "LOOK_BACK" } });
    expect(looks.firstOf(scout)).toBeUndefined();
    looks.putBack(scout);
    expect(looks.firstOf(scout)).toMatchObject({ event: { type: "LOOK_BACK" } });
    looks.owe();
    const done = all();
    await clock.pass(100_000);
    await done;
    expect(looks.firstOf(scout)).toBeUndefined();
  });
});
