import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Echo } from "../../../src/actors/feed/echo.ts";
import type { DatedEvent } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock } from "../../runtime/simulated-clock.ts";

const minute = 60_000;

let clock: SimulatedClock;
let stop: AbortController;
let echo: Echo;
let lost: number;
let asked: number;
let isReached: boolean;
/** What the homeserver has of what was sent: by default, that it got it just when it was sent. */
let found: (age: number) => DatedEvent | undefined;
let sentAt: number;

beforeEach(() => {
  clock = new SimulatedClock();
  stop = new AbortController();
  lost = 0;
  asked = 0;
  isReached = true;
  found = (age) => ({ ...event, age, originServerTs: 0 });
  echo = new Echo({
    clock,
    ask: () => asked++,
    isReached: () => isReached,
    look: async ({ eventId }) => {
      expect(eventId).toBe("$1");
      return found(clock.now() - sentAt);
    },
    onLost: () => lost++,
  });
  echo.run(stop.signal).catch(() => undefined);
});

afterEach(() => stop.abort(new Error("the test is over")));

const event = { eventId: "$1", type: "m.room.message", sender: "@agent_1:test", content: {}, originServerTs: 0 };

async function send(eventId = "$1"): Promise<void> {
  await clock.pass(1_000);
  sentAt = clock.now();
  echo.sent({ userId: "@agent_1:test", roomId: "!1:test", eventId });
}

describe("what our users say", () => {
  test("comes back, and the homeserver is asked for nothing", async () => {
    await send();
    await clock.pass(minute / 2);
    echo.heard(["$1"]);
    await clock.pass(10 * minute);
    expect([lost, asked]).toEqual([0, 0]);
  });

  test("and comes back before it is known to be sent, is missed by nobody", async () => {
    echo.heard(["$1"]);
    await send();
    await clock.pass(10 * minute);
    expect([lost, asked]).toEqual([0, 0]);
  });

  test("and does not come back, nor anything else, though the homeserver was asked to reach us, is lost: told once", async () => {
    await send();
    await clock.pass(minute);
    expect([lost, asked]).toEqual([0, 1]);
    await send("$2");
    await clock.pass(10 * minute);
    expect([lost, asked]).toEqual([1, 1]);
  });

  test("is told to be lost again when it is again, after something came", async () => {
    await send();
    await clock.pass(5 * minute);
    echo.heard();
    await clock.pass(5 * minute);
    expect(lost).toBe(1);
    await send();
    await clock.pass(5 * minute);
    expect(lost).toBe(2);
  });

  test("is not lost where anything is pushed: it comes in its turn", async () => {
    await send();
    await clock.pass(1.5 * minute);
    echo.heard(["$other"]);
    await clock.pass(10 * minute);
    expect(lost).toBe(0);
  });

  test("is not missed where the homeserver does not reach us at all, which pings tell", async () => {
    isReached = false;
    await send();
    await clock.pass(10 * minute);
    expect(lost).toBe(0);
    isReached = true;
    await send();
    await clock.pass(10 * minute);
    expect(lost).toBe(1);
  });

  test("under a name by which an earlier process said it came back to that one, and is not missed", async () => {
    for (const earlier of [
      { ...event, age: 10 * minute },
      { ...event, originServerTs: clock.now() - minute },
      // Whose clock is ahead of ours.
      { ...event, originServerTs: clock.now() + 20_000 },
      undefined,
    ]) {
      found = () => earlier;
      await send();
      await clock.pass(3 * minute);
    }
    expect([lost, asked]).toEqual([0, 4]);
  });

  test("is told to be lost also by a homeserver that says only when it got it", async () => {
    await clock.pass(minute);
    found = () => ({ ...event, originServerTs: sentAt });
    await send();
    await clock.pass(3 * minute);
    expect(lost).toBe(1);
  });

  test("is not told to be lost where nobody can look whether it is there", async () => {
    found = () => {
      throw matrixError("unreachable");
    };
    await send();
    await clock.pass(3 * minute);
    expect(lost).toBe(0);
  });
});
