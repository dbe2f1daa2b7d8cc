import { beforeEach, describe, expect, test } from "vitest";
import type { Feed } from "../../../src/actors/feed/feed.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import type { PushedEvent } from "../../../src/matrix/port.ts";
import type { StoredBacklog } from "../../../src/runtime/embedded/stored-backlog.ts";
import { MemoryDatabase } from "../../runtime/memory-database.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { Actors } from "./actors.ts";
import { feedOf } from "./feeding.ts";
import { said, takingBack, transaction } from "./pushed-events.ts";

const own = "!own:test";
const scout = addressOf.agent("test", "agent-1");
const nora = addressOf.agent("test", "agent-2");
const scoutUser = "@agent_1:test";
const moderator = "@mod:test";

let actors: Actors;
let feed: Feed;
let backlog: StoredBacklog;

beforeEach(async () => {
  actors = new Actors();
  const clock = new SimulatedClock();
  actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
  actors.is(nora, "@agent_2:test", { intake: "catchingUp" }, "!noras:test");
  const made = feedOf({
    actors,
    clock,
    database: new MemoryDatabase(clock),
    members: { [own]: [scoutUser], "!noras:test": ["@agent_2:test"] },
    rooms: {},
    asked: [],
    told: [],
    knownSince: () => 0,
    onRead: () => undefined,
  });
  ({ feed, backlog } = made);
  await feed.start();
});

function by(sender: string, event: PushedEvent): PushedEvent {
  return { ...event, sender };
}

async function givenToScout() {
  actors.is(scout, scoutUser, { intake: "pushed" }, own);
  for (let n = 0; n < 5; n++) await settled();
  return actors.given.map(({ event, id }) => [id, event.type]);
}

const relates = { rel_type: "m.replace", event_id: "$before" };
const things = {
  "a question": () => said(own),
  "a command": () => said(own, "!stop"),
  "a change of a question": () =>
    said(own, "", {
      content: { msgtype: "m.text", body: "*", "m.new_content": { body: "x" }, "m.relates_to": relates },
    }),
};

describe("what waits for an agent", () => {
  describe.each(Object.entries(things))("and is %s", (_name, thing) => {
    test("is gone if its author takes it back", async () => {
      const regretted = thing();
      await feed.take(transaction(regretted));
      await feed.take(transaction(takingBack(own, regretted)));
      expect(await givenToScout()).toEqual([]);
    });

    test("is looked up in the room, in its place, if somebody else is said to take it back", async () => {
      const [before, removed, after] = [said(own, "1"), thing(), said(own, "3")] as const;
      await feed.take(transaction(before, removed, after));
      await feed.take(transaction(by(moderator, takingBack(own, removed))));
      expect(await givenToScout()).toEqual([
        [before.eventId, "PUSHED"],
        [removed.eventId, "LOOK_BACK"],
        [after.eventId, "PUSHED"],
      ]);
    });
  });

  test("is gone if its author takes it back, whoever else does", async () => {
    const regretted = said(own);
    await feed.take(transaction(regretted));
    const redaction = takingBack(own, regretted);
    await feed.take(transaction(by(moderator, redaction), redaction, by("@mallory:test", redaction)));
    expect(await givenToScout()).toEqual([]);
  });

  test("is read once for all that a transaction takes back", async () => {
    const spam = Array.from({ length: 200 }, (_, n) => said(own, String(n)));
    await feed.take(transaction(...spam, said("!noras:test")));
    const read: string[] = [];
    const among = backlog.among.bind(backlog);
    backlog.among = (actor, ids) => {
      read.push(actor);
      return among(actor, ids);
    };
    await feed.take(transaction(...spam.map((one) => takingBack(own, one))));
    expect(read).toEqual([scout, nora]);
    expect([...(await backlog.counts())]).toEqual([[nora, 1]]);
    await feed.take(transaction(said(own)));
    expect(read).toHaveLength(2);
  });
});

describe("what is pushed together with its redaction", () => {
  test("is given to nobody if that is its author's, and looked up in the room if it is somebody else's", async () => {
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    const [regretted, removed, stays] = [said(own, "1"), said(own, "2"), said(own, "3")];
    await feed.take(
      transaction(
        regretted,
        removed,
        stays,
        takingBack(own, regretted),
        by(moderator, takingBack(own, removed)),
        by(moderator, takingBack("!elsewhere:test", stays)),
      ),
    );
    expect(actors.given.map(({ event, id }) => [id, event.type])).toEqual([
      [removed.eventId, "LOOK_BACK"],
      [stays.eventId, "PUSHED"],
    ]);
  });
});
