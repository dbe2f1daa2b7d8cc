import { describe, expect, test, vi } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import type { AgentContext } from "../../src/machines/agent/context.ts";
import type { Heard } from "../../src/machines/question.ts";
import type { ActorEvent } from "../../src/runtime/record.ts";
import type { ChartDriver } from "./chart-driver.ts";
import { drive, question } from "./charts-under-test.ts";
import { bad, explore, good } from "./explore.ts";
import { restingStates } from "./resting-states.ts";

/** From whatever state a chart can come into, it gets where it wants to be once things go well. */

/** Thousands of states take a second or two, and several on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

const discovered: ActorEvent = { type: "DISCOVERED", name: "Scout" };
const spaceReady: ActorEvent = { type: "SPACE_READY", spaceId: "!space:test" };

const provisioning = {
  ensureAccount: [good(), bad("unreachable"), bad("forbidden")],
  ensureProfile: [good({ avatar: null }), bad("unreachable"), bad("too-large"), bad("token")],
  resolveRoom: [
    good({ roomId: null }),
    good({ roomId: "!room:test" }),
    bad("token"),
    bad("unreachable"),
    bad("squatted"),
  ],
  createRoom: [good({ roomId: "!room:test" }), bad("taken"), bad("token"), bad("unreachable")],
  importHistory: [good(), bad("unreachable"), bad("gone")],
  linkToSpace: [good(), bad("token"), bad("refused")],
  furnishRoom: [good(), bad("forbidden"), bad("unreachable")],
  invitePeople: [good(), bad("limited", 300_000), bad("forbidden"), bad("token")],
  attachTools: [good(), bad("unreachable"), bad("refused")],
  catchUp: [good({ since: "s1", heard: [] }), bad("unreachable"), bad("token")],
  poll: [good({ since: "s2", heard: [] }), bad("unreachable"), bad("token"), bad("cursor")],
};

const allWell = Object.fromEntries(Object.entries(provisioning).map(([name, endings]) => [name, endings.slice(0, 1)]));
const restored: ActorEvent = { type: "restored", store: "store-2" };

function saidIn(roomId: string): Heard {
  return { kind: "question", roomId, question: question(1) };
}

/**
 * Of an agent that lives, with all that can go wrong; of one whose store comes from a backup, with what can go wrong
 * while it listens; of one that comes and goes, with a little of it; of one that is paused; and of one that is told what
 * is said.
 */
const waysOfLife = [
  { name: "that lives", endings: provisioning, events: [{ type: "REPROVISION" }] },
  {
    name: "that an operator pauses",
    endings: {
      ...allWell,
      listConversations: [good([addressOf.conversation("test", "agent-1", "!room:test")]), bad("")],
    },
    events: [{ type: "PAUSE" }, { type: "RESUME" }],
  },
  {
    name: "whose store comes from a backup",
    endings: {
      ...allWell,
      ensureAccount: provisioning.ensureAccount,
      catchUp: provisioning.catchUp,
      poll: provisioning.poll,
    },
    events: [{ type: "INSPECT" }, restored],
  },
  {
    name: "that comes and goes",
    endings: {
      ...allWell,
      linkToSpace: [good(), bad("unreachable"), bad("refused")],
      poll: [good({ since: "s2", heard: [] }), bad("unreachable")],
      ...retirement(),
    },
    events: [{ type: "MISSED", grace: 0 }, { type: "DISABLED" }, discovered, restored],
  },
  {
    name: "that is told what is said",
    endings: {
      ...allWell,
      catchUp: [good({ since: "s1", heard: [], pushes: true }), good({ since: "s1", heard: [] })],
      poll: [good({ since: "s2", heard: [], pushes: true })],
    },
    events: [
      { type: "LOOK_BACK" },
      { type: "PUSHED", heard: [] },
      { type: "LET_IN", heard: [] },
      { type: "ANSWERED", rooms: [] },
      { type: "DISABLED" },
      discovered,
    ],
  },
  {
    name: "that is in a room whose past cannot be read",
    endings: {
      ...allWell,
      catchUp: [
        good({ since: "s1", heard: [], pushes: true }),
        good({ since: "s1", heard: [], pushes: true, unheard: [{ roomId: "!silent:test" }] }),
      ],
      readOwed: [good({ roomId: "!silent:test", heard: [] }), bad("unreadable"), bad("token")],
    },
    events: [
      { type: "LOOK_BACK" },
      { type: "PUSHED", heard: [saidIn("!silent:test")] },
      { type: "DISABLED" },
      discovered,
    ],
  },
];

describe("agent", () => {
  const leaves = new Set<string>();

  test.each(waysOfLife)("$name", ({ endings, events }) => {
    const start = drive.agent();
    start.send(discovered);
    start.send(spaceReady);
    const explored = explore({
      start,
      endings,
      events: [{ type: "ADOPTED" }, { type: "TOKEN_REFUSED" }, ...events],
      distinguish: distinguishAgents,
      check: checkAgent,
      settled: isAgentSettled,
    });
    expect(explored.states).toBeGreaterThan(100);
    for (const leaf of explored.leaves) leaves.add(leaf);
  });

  test("comes into each of its states in one of these ways", () =>
    expect(restingStates("agent").filter((state) => !leaves.has(state))).toEqual([
      "account.unnamed",
      "arrears.renewing",
      "intake.renewing",
      "life.retiring.renewing",
      "room.renewing",
      "room.seekingSpace",
    ]));
});

function distinguishAgents(context: AgentContext): unknown {
  const { since, inTouch, roomId, tokenRefused, stale, imported, troubles, paused, owed } = context;
  const { account, room, intake, life, arrears, ...others } = troubles;
  return [
    since !== undefined,
    inTouch === true,
    roomId,
    tokenRefused,
    stale,
    imported,
    paused !== undefined,
    owed?.map(({ again }) => again),
    [account, room, intake, life, arrears].map((trouble) => trouble && [trouble.kind === "token", trouble.tries === 1]),
    intake?.kind === "cursor" && intake.repeats,
    // Which of these it is makes no difference to where the chart goes.
    Object.keys(others).length > 0,
  ];
}

function isAgentSettled(actor: ChartDriver<AgentContext>): boolean {
  if (actor.in("life.retired")) return actor.in("room.offline") && actor.in("intake.deaf");
  if (actor.in("life.disabled")) return actor.in("intake.deaf");
  return (
    (actor.in("service.serving") || actor.in("service.paused")) &&
    actor.in("account.online") &&
    actor.in("room.ready") &&
    (actor.in("intake.polling") || actor.in("intake.pushed")) &&
    actor.context.owed === undefined &&
    actor.context.wait === undefined
  );
}

function retirement() {
  return {
    listConversations: [good([]), bad("")],
    awaitClosed: [good()],
    markRetired: [good(), bad("token"), bad("unreachable")],
    releaseAlias: [good(), bad("forbidden")],
    unlinkRoom: [good(), bad("limited", 1_000)],
    leaveRoom: [good(), bad("token")],
    detachTools: [good(), bad("unreachable")],
  };
}

/** What must hold in every state; `expect` itself would take most of the time. */
function checkAgent(actor: ChartDriver<AgentContext>): void {
  const where = JSON.stringify(actor.value);
  const demand = (what: string, holds: boolean): void => {
    if (!holds) throw new Error(`${what}: ${where}`);
  };
  const isOnline = actor.in("account.online");
  const isPaused = ["service.pausing", "service.pausingLater", "service.paused"].some((state) => actor.in(state));
  const runs = (...names: readonly string[]): boolean => names.some((name) => actor.running.has(name));
  demand("nothing is asked as a user that is not online", isOnline || !runs(...asTheAgent));
  const isServed = actor.in("life.live") || actor.in("life.missing");
  demand("who is not served hears nothing", isServed || !runs("poll", "catchUp"));
  demand("who leaves makes no room", !/retir/.test(where) || !runs("resolveRoom", "createRoom", "linkToSpace"));
  demand("who stays is not taken leave of", actor.in("life.retiring") || !runs(...Object.keys(retirement())));
  demand("who has retired has no room", actor.context.roomId === undefined || !actor.in("life.retired"));
  demand("who is told asks for nothing", !actor.in("intake.pushed") || !runs("poll", "catchUp"));
  demand("nobody is told of what was before it listened", actor.context.inTouch !== true || actor.in("intake.pushed"));
  demand("nothing is heard without a room", actor.context.roomId === "!room:test" || !runs("poll", "catchUp"));
  demand("who is paused, and nobody else, says so", isPaused === (actor.context.paused !== undefined));
  demand("a login only while registering", runs("ensureAccount") === actor.in("account.registering"));
  const isWaiting = /backingOff|renewingLater|mending|refused|taken/.test(where);
  demand("whoever waits says why", !isWaiting || actor.context.wait !== undefined);
  demand(
    "what is said to be wrong is",
    actor.context.wait === undefined || Object.keys(actor.context.troubles).length > 0,
  );
}

const asTheAgent = [
  "ensureProfile",
  "resolveRoom",
  "createRoom",
  "importHistory",
  "linkToSpace",
  "furnishRoom",
  "invitePeople",
  "catchUp",
  "poll",
];

test("agent that nobody has told anything waits for it, and goes on from there", () => {
  const agent = drive.agent();
  expect(agent.value).toEqual({
    account: "unnamed",
    room: "offline",
    intake: "deaf",
    arrears: "settled",
    life: "live",
    service: "serving",
  });
  agent.send(discovered);
  agent.done("ensureAccount");
  expect(agent.in("room.seekingSpace")).toBe(true);
  expect(agent.tells).toEqual([
    { to: "test/space/agents", event: { type: "SPACE_WANTED", asker: "test/agent/agent-1" } },
  ]);
  agent.send(spaceReady);
  expect(agent.in("room.provisioning.introducing")).toBe(true);
});

test("space", () => {
  const asker = "test/agent/agent-1";
  const { leaves } = explore({
    start: drive.space(),
    endings: {
      ensureBot: [good(), bad("unreachable"), bad("forbidden")],
      resolveSpace: [good({ partId: null }), good({ partId: "!space:test" }), bad("squatted"), bad("unreachable")],
      createSpace: [good({ partId: "!space:test" }), bad("taken"), bad("unreachable")],
      listResidents: [
        good({ moved: [], homeless: [], revisions: {} }),
        good({ moved: [asker], homeless: [asker, asker], revisions: {} }),
        bad(""),
      ],
      furnishSpace: [good(), bad("forbidden")],
      sweepSpace: [good(), bad("unreachable")],
      inviteToSpace: [good(), bad("limited", 333_000), bad("forbidden")],
    },
    events: [{ type: "SPACE_WANTED", asker }, { type: "WAKE" }, { type: "INSPECT" }],
    distinguish: ({ spaceId, lastId, part, parts, given, wanted, tries }) => [
      [spaceId, lastId, wanted, given >= 3],
      [Math.min(part, 2), Math.min(parts, 2), part === parts],
      Math.min(tries, 1),
    ],
    check: (actor) => {
      const where = JSON.stringify(actor.value);
      expect(actor.context.wait === undefined || actor.context.tries > 0, where).toBe(true);
      if (/backingOff|taken/.test(where)) expect(actor.context.wait, where).toBeDefined();
      if (actor.in("ready")) expect(actor.context.wait).toBeUndefined();
    },
    settled: (actor) => actor.in("ready"),
  });
  expect(restingStates("space").filter((state) => !leaves.has(state))).toEqual([]);
});

test("audit", () => {
  const { leaves } = explore({
    start: drive.audit(),
    endings: {
      nextAgents: [
        good({ agents: [], isLast: true, revisions: {}, pause: 1_000 }),
        good({ agents: ["test/agent/1"], isLast: false, revisions: {}, pause: 1_000 }),
        bad(""),
      ],
    },
    events: [{ type: "WAKE" }],
    distinguish: ({ after, tries }) => [after, Math.min(tries, 2)],
    check: ({ context, value }) => expect(context.wait === undefined, JSON.stringify(value)).toBe(context.tries === 0),
    settled: (actor) => actor.in("waiting"),
  });
  expect(restingStates("audit").filter((state) => !leaves.has(state))).toEqual([]);
});

const nothingFound = { changed: [], missed: [], disabled: [], found: { listed: 0 }, interval: 1, grace: 1 };

test("discovery", () => {
  const { leaves } = explore({
    start: drive.discovery(),
    endings: { listAgents: [good(nothingFound), bad("unreachable"), bad("refused", 20_000)] },
    events: [{ type: "LIST_NOW" }],
    distinguish: ({ tries, again }) => [Math.min(tries, 2), again],
    check: ({ context, value }) => expect(context.wait === undefined, JSON.stringify(value)).toBe(context.tries === 0),
    settled: (actor) => actor.in("waiting"),
  });
  expect(restingStates("discovery").filter((state) => !leaves.has(state))).toEqual([]);
});

test("core-user", () => {
  const { leaves } = explore({
    start: drive.coreUser(),
    endings: {
      ensureUser: [good("ours"), good("theirs"), bad("unreachable"), bad("forbidden")],
      follow: [good({ since: "s1" }), bad("limited", 10_000), bad("token"), bad("forbidden"), bad("cursor")],
    },
    events: [{ type: "WAKE" }],
    distinguish: ({ since, trouble }) => [
      since,
      trouble?.kind,
      Math.min(trouble?.tries ?? 0, 2),
      trouble?.kind === "cursor" && Math.min(trouble.repeats, 3),
    ],
    check: ({ context: { wait, trouble } }) => expect(wait).toEqual(trouble?.wait),
    settled: (actor) => actor.in("following") || actor.in("absent"),
  });
  expect(restingStates("core-user").filter((state) => !leaves.has(state))).toEqual([]);
});
