import { beforeEach, describe, expect, test } from "vitest";
import type { Feed } from "../../../src/actors/feed/feed.ts";
import type { Looks } from "../../../src/actors/feed/looks.ts";
import { addressOf } from "../../../src/machines/addresses.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import type { ActorId } from "../../../src/runtime/actor-id.ts";
import { MemoryDatabase } from "../../runtime/memory-database.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { Actors } from "./actors.ts";
import { feedOf } from "./feeding.ts";
import { member, mention, newestId, said, takingBack, transaction } from "./pushed-events.ts";

const server = "test";
const own = "!own:test";
const foreign = "!foreign:test";
const scout = addressOf.agent(server, "agent-1");
const nora = addressOf.agent(server, "agent-2");
const scoutUser = "@agent_1:test";
const noraUser = "@agent_2:test";

let actors: Actors;
let clock: SimulatedClock;
let database: MemoryDatabase;
let members: Record<string, string[] | Error>;
/** In which rooms each user is, as it is told itself. */
let rooms: Record<string, string[] | Error>;
let asked: string[];
let told: ActorId[];

let looks: Looks;
/** What was said up to then may be forgotten, ms since the epoch. */
let knownSince: number;
/** Called each time that what is held for an agent was read, before that is given to it. */
let onRead: () => void;

function feed(): Feed {
  const made = feedOf({
    actors,
    clock,
    database,
    members,
    rooms,
    asked,
    told,
    knownSince: () => knownSince,
    onRead: () => onRead(),
  });
  looks = made.looks;
  return made.feed;
}

beforeEach(() => {
  actors = new Actors();
  clock = new SimulatedClock();
  database = new MemoryDatabase(clock);
  members = { [own]: ["@anna:test", scoutUser], [foreign]: [scoutUser, noraUser, "@anna:test"] };
  rooms = {};
  asked = [];
  told = [];
  knownSince = 0;
  onRead = () => undefined;
  actors.is(scout, scoutUser, { intake: "pushed" }, own);
  actors.is(nora, noraUser, { intake: "pushed" }, "!noras:test");
});

describe("what is pushed", () => {
  test("reaches each agent that it is for, once by its event id, whatever the transaction is called", async () => {
    const one = feed();
    await one.start();
    const [inOwn, toNora] = [said(own), said(foreign, "", mention(noraUser))];
    await one.take(transaction(inOwn, toNora, said(foreign, "to nobody")));
    await one.take({ txnId: "1", events: [inOwn, toNora] });
    await one.take({ txnId: "0", events: [said(own, "more")] });
    expect(actors.idsOf(scout)).toEqual([inOwn.eventId, newestId()]);
    expect(actors.idsOf(nora)).toEqual([toNora.eventId]);
    expect(actors.given[0]?.event).toMatchObject({ type: "PUSHED", heard: [{ kind: "question", roomId: own }] });
    expect(asked).toEqual([`${scoutUser} ${own}`, `@letta-matrix:test ${foreign}`]);
  });

  test("is nothing to an agent that said it itself, or is not in the room", async () => {
    const one = feed();
    await one.start();
    await one.take(transaction(said(own, "an answer", { sender: scoutUser })));
    await one.take(transaction(said(foreign, "", mention(noraUser))));
    expect(actors.idsOf(nora)).toHaveLength(1);
    await one.take(transaction(member(foreign, noraUser, "leave"), said(foreign, "", mention(noraUser))));
    expect(actors.idsOf(nora)).toHaveLength(1);
    await one.take(transaction(member(foreign, noraUser, "join", noraUser), said(foreign, "", mention(noraUser))));
    expect(actors.idsOf(nora)).toHaveLength(2);
    expect(actors.idsOf(scout)).toEqual([]);
    expect(asked.filter((one) => one.endsWith(foreign))).toHaveLength(1);
  });

  test("tells of invitations, and of what others change in an agent's own room", async () => {
    const one = feed();
    await one.start();
    await one.take(
      transaction(
        member("!new:test", scoutUser, "invite"),
        member(own, scoutUser, "leave"),
        said(own, "", { type: "m.room.name", stateKey: "", content: { name: "mine" } }),
        said(own, "", { type: "m.room.name", stateKey: "", sender: scoutUser, content: { name: "ours" } }),
        member(own, "@anna:test", "leave"),
        member(own, "@admin:test", "leave", "@admin:test"),
      ),
    );
    expect(actors.given.map(({ event }) => [event["invited"], event["changed"]])).toEqual([
      [[{ roomId: "!new:test", inviter: "@anna:test", at: 1 }], undefined],
      [undefined, true],
      [undefined, true],
      [undefined, true],
    ]);
    expect(asked).toEqual([]);
  });

  test("has an agent look back when it comes into its own room: until then it was told nothing of what was said there", async () => {
    members[own] = ["@anna:test"];
    const one = feed();
    await one.start();
    const [invitation, unheard, join, heard] = [
      member(own, scoutUser, "invite"),
      said(own),
      member(own, scoutUser, "join", scoutUser),
      said(own),
    ];
    await one.take(transaction(invitation, unheard, join, heard));
    await one.take(transaction(member("!other:test", scoutUser, "join", scoutUser)));
    expect(actors.given.map(({ event: { type }, id }) => [type, id])).toEqual([
      ["PUSHED", invitation.eventId],
      ["LOOK_BACK", join.eventId],
      ["PUSHED", heard.eventId],
    ]);
  });

  test("waits for one agent that is full, durably and in its order, while others go on", async () => {
    const one = feed();
    await one.start();
    actors.full.add(scout);
    const [first, second] = [said(own, "1"), said(own, "2")];
    const other = said(foreign, "", mention(noraUser));
    await one.take(transaction(first, other));
    await one.take(transaction(second));
    expect(actors.given.map(({ id }) => id)).toEqual([other.eventId]);
    expect(told).toEqual([scout]);
    await one.stop();

    // Another process finds them, and what comes then waits behind them.
    const two = feed();
    await two.start();
    await settled();
    const third = said(own, "3");
    await two.take(transaction(third));
    actors.full.clear();
    await clock.pass(5_000);
    await settled();
    expect(actors.idsOf(scout)).toEqual([first.eventId, second.eventId, third.eventId]);
    expect(database.keys().filter((key) => key.startsWith("p|"))).toEqual([]);
  });

  test("waits for an agent that is still looking back, and is nothing to one that hears nothing", async () => {
    const one = feed();
    await one.start();
    actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
    actors.is(nora, noraUser, { intake: "deaf", life: "disabled" }, "!noras:test");
    const first = said(own, "1");
    await one.take(transaction(first, said(foreign, "", mention(noraUser))));
    expect(actors.given).toEqual([]);
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    expect(actors.given.map(({ id }) => id)).toEqual([first.eventId]);
  });

  test("is looked for in the rooms where too much of it waits for one agent", async () => {
    const one = feed();
    await one.start();
    actors.full.add(scout);
    const events = Array.from({ length: 1_100 }, (_, n) => said(own, String(n)));
    await one.take(transaction(...events));
    await one.take(transaction(said(own, "later")));
    actors.full.clear();
    await clock.pass(5_000);
    for (let n = 0; n < 2_000 && actors.given.length < 1_001; n++) await settled();
    expect(actors.given.map(({ id }) => id).slice(0, 1_000)).toEqual(
      events.slice(0, 1_000).map(({ eventId }) => eventId),
    );
    expect(actors.given.slice(1_000).map(({ event }) => event.type)).toEqual(["LOOK_BACK"]);
  });

  test("comes again when it could not be written down, or when nobody knows who is in the room", async () => {
    const one = feed();
    await one.start();
    members[own] = new Error("the homeserver is away");
    await expect(one.take(transaction(said(own)))).rejects.toThrow("away");
    members[own] = [scoutUser];
    actors.failure = new Error("the host is stopped");
    database.fail(new Error("no space left on device"));
    await expect(one.take(transaction(said(own)))).rejects.toThrow("could not be written");
    expect(actors.given).toEqual([]);
  });

  test("waits for a look back, where the homeserver may not have pushed what was said before", async () => {
    const one = feed();
    await one.start();
    looks.owe();
    actors.onLookBack = (actor) => actors.is(actor, scoutUser, { intake: "catchingUp" }, own);
    const first = said(own, "1");
    await one.take(transaction(first));
    expect(actors.given.map(({ event }) => event.type)).toEqual(["LOOK_BACK"]);
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    looks.settle();
    await one.take(transaction(said(own, "2")));
    expect(actors.given.map(({ event }) => event.type)).toEqual(["LOOK_BACK", "PUSHED", "PUSHED"]);
  });

  test("waits for a look back each time, as long as the homeserver may push something newer first", async () => {
    const one = feed();
    await one.start();
    looks.owe();
    actors.onLookBack = (actor) => actors.is(actor, scoutUser, { intake: "catchingUp" }, own);
    const looked = async () => {
      actors.is(scout, scoutUser, { intake: "pushed" }, own);
      await settled();
    };
    await one.take(transaction(said(own, "1")));
    // It is looking: what is said from now on, that look may not have seen, nor what was said before it.
    await one.take(transaction(said(own, "2"), said(own, "3")));
    await looked();
    expect(actors.given.map(({ event }) => event.type)).toEqual(["LOOK_BACK", "LOOK_BACK"]);
    await looked();
    expect(actors.given.map(({ event }) => event.type).slice(2)).toEqual(["PUSHED", "PUSHED", "PUSHED"]);
    await one.tell(scout, { event: { type: "LOOK_BACK" }, id: "in its turn" });
    expect(actors.idsOf(scout).slice(5)).toEqual(["in its turn"]);
    await looked();
    await one.take(transaction(said(own, "4")));
    expect(actors.given.map(({ event }) => event.type).slice(6)).toEqual(["LOOK_BACK"]);
    looks.settle();
    await looked();
    await one.take(transaction(said(own, "5")));
    expect(actors.given.map(({ event }) => event.type).slice(7)).toEqual(["PUSHED", "PUSHED"]);
  });

  test("is no decision while it may be late, where it is a word on whatever waits: the look tells whether it still counts", async () => {
    const one = feed();
    await one.start();
    await one.take(transaction(said(own, "!approve")));
    looks.owe();
    await one.take(transaction(said(own, "!approve"), said(own, "!retry")));
    expect(actors.given.map(({ event }) => event.type)).toEqual(["PUSHED", "LOOK_BACK", "LOOK_BACK", "PUSHED"]);
  });

  test("may have been answered and forgotten where it is pushed long after it was said: the room and a look tell", async () => {
    const one = feed();
    await one.start();
    knownSince = 1_000;
    const sign = {
      type: "m.reaction",
      content: { "m.relates_to": { rel_type: "m.annotation", event_id: "$r", key: "✅" } },
    };
    const [late, fresh] = [said(own, "1"), said(own, "2", { originServerTs: 1_001 })];
    await one.take(transaction(late, fresh, said(own, "!retry"), said(own, "", sign)));
    const given = actors.given.map(({ event }) => event);
    expect(given.map(({ type }) => type)).toEqual(["PUSHED", "PUSHED", "LOOK_BACK", "PUSHED"]);
    expect(given[0]?.["heard"]).toMatchObject([{ question: { eventId: late.eventId, maybeAsked: true } }]);
    expect(given[1]?.["heard"]).toMatchObject([{ question: { eventId: fresh.eventId } }]);
    expect(given[1]?.["heard"]).not.toMatchObject([{ question: { maybeAsked: true } }]);
    expect(given[3]?.["heard"]).toMatchObject([{ command: { name: "approve", reactionTo: "$r" } }]);
  });

  test("is looked for by an agent of whom the homeserver does not say whether it is in the room, where it may be for it", async () => {
    const one = feed();
    await one.start();
    const closed = "!closed:test";
    members[closed] = new MatrixError("forbidden", "not in there", { remedy: "none" });
    rooms[scoutUser] = [closed];
    rooms[noraUser] = new MatrixError("unreachable", "trouble of hers", { remedy: "none" });
    const [toScout, toNora] = [said(closed, "", mention(scoutUser)), said(closed, "", mention(noraUser))];
    await one.take(transaction(toScout, toNora, said(closed, "to nobody")));
    expect(actors.given).toMatchObject([
      { actor: scout, event: { type: "PUSHED" }, id: toScout.eventId },
      { actor: nora, event: { type: "LOOK_BACK" }, id: toNora.eventId },
    ]);
  });

  test("is no decision once it has waited, where it is a word on whatever waits; a sign is", async () => {
    const one = feed();
    await one.start();
    const sign = {
      type: "m.reaction",
      content: { "m.relates_to": { rel_type: "m.annotation", event_id: "$r", key: "✅" } },
    };
    actors.is(scout, scoutUser, { intake: "backingOff" }, own);
    const [word, other] = [said(own, "!deny"), said(own, "", sign)];
    await one.take(transaction(word, other, said(own, "!stop")));
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    expect(actors.given.map(({ event }) => event.type)).toEqual(["LOOK_BACK", "PUSHED", "PUSHED"]);
    expect(actors.idsOf(scout).slice(0, 2), "each once, if it is pushed again").toEqual([word.eventId, other.eventId]);
  });

  test("is not given to anybody where its author took it back while it waited, and all that waits besides is", async () => {
    const one = feed();
    await one.start();
    actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
    const [first, regretted, elsewhere, last] = ["1", "2", "3", "4"].map((body) => said(own, body));
    if (!first || !regretted || !elsewhere || !last) throw new Error("four things are said");
    await one.take(transaction(first, regretted, elsewhere));
    await one.take(transaction(takingBack(own, regretted), takingBack(foreign, elsewhere)));
    await one.take(transaction(takingBack(own, regretted), last));
    const both = said(own, "5");
    await one.take(transaction(both, takingBack(own, both)));
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    expect(actors.idsOf(scout)).toEqual([first.eventId, elsewhere.eventId, last.eventId]);
    expect(database.keys().filter((key) => key.startsWith("p|"))).toEqual([]);
    const later = said(own, "6");
    await one.take(transaction(later, takingBack(own, first)));
    expect(actors.idsOf(scout).at(-1)).toBe(later.eventId);
  });

  test("comes again where it could not be written down that its author took it back", async () => {
    const one = feed();
    await one.start();
    actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
    const regretted = said(own, "1");
    await one.take(transaction(regretted));
    database.fail(new Error("no space left on device"));
    await expect(one.take(transaction(takingBack(own, regretted)))).rejects.toThrow("could not be written");
  });

  test("waits also if the agent begins to look while what is held for it is read", async () => {
    actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
    const one = feed();
    await one.start();
    await one.take(transaction(said(own, "1")));
    onRead = () => {
      onRead = () => undefined;
      actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
    };
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    expect(actors.given).toEqual([]);
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    expect(actors.given.map(({ event }) => event.type)).toEqual(["PUSHED"]);
  });

  test("is looked for by an agent that was looking when its turn came, as soon as it can, though nothing more is pushed", async () => {
    const one = feed();
    await one.start();
    actors.is(scout, scoutUser, { intake: "catchingUp" }, own);
    actors.is(nora, noraUser, { intake: "deaf", life: "disabled" }, "!noras:test");
    looks.owe();
    await looks.all((actor, delivery) => one.tell(actor, delivery), new AbortController().signal);
    looks.settle();
    actors.is(scout, scoutUser, { intake: "backingOff" }, own);
    await settled();
    expect(actors.given).toEqual([]);
    actors.full.add(scout);
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    actors.full.clear();
    await clock.pass(5_000);
    await settled();
    expect(actors.given).toMatchObject([{ actor: scout, event: { type: "LOOK_BACK" } }]);
  });

  test("waits for the look back of an agent that was full, or that was just looking", async () => {
    const one = feed();
    await one.start();
    actors.is(scout, scoutUser, { intake: "polling" }, own);
    looks.owe();
    await one.take(transaction(said(own, "1")));
    actors.full.add(scout);
    actors.is(scout, scoutUser, { intake: "pushed" }, own);
    await settled();
    expect(actors.given).toEqual([]);
    actors.full.clear();
    await clock.pass(5_000);
    await settled();
    expect(actors.given.map(({ event }) => event.type)).toEqual(["LOOK_BACK", "PUSHED"]);
  });
});
