import { describe, expect, test, vi } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import type { AgentContext } from "../../src/machines/agent/context.ts";
import { machines } from "../../src/machines/index.ts";
import { chartGraph } from "../../src/runtime/chart-graph.ts";
import type { ActorEvent } from "../../src/runtime/record.ts";
import type { ChartDriver } from "./chart-driver.ts";
import { approval, command, drive, question } from "./charts-under-test.ts";
import { bad, type Explored, explore, good } from "./explore.ts";

/** From whatever state a chart can come into, it gets where it wants to be once things go well. */

/** Leaves of the chart that an actor can rest in; those that it only passes through are left out. */
function restingStates(name: keyof typeof machines): string[] {
  const { states, edges } = chartGraph(machines[name] as (typeof machines)[string]);
  const always = new Set(
    edges.filter(({ kind, guard }) => kind === "always" && guard === undefined).map(({ from }) => from),
  );
  const parents = new Set(states.map(({ parent }) => parent));
  return states
    .filter(({ id, type }) => !parents.has(id) && type !== "history" && type !== "final" && !always.has(id))
    .map(({ id }) => id.slice(name.length + 1))
    .toSorted();
}

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
  catchUp: [good({ since: "s1", heard: [] }), bad("unreachable"), bad("token")],
  poll: [good({ since: "s2", heard: [] }), bad("unreachable"), bad("token"), bad("cursor")],
};

const allWell = Object.fromEntries(Object.entries(provisioning).map(([name, endings]) => [name, endings.slice(0, 1)]));
const restored: ActorEvent = { type: "restored", store: "store-2" };

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
    events: [{ type: "LOOK_BACK" }, { type: "PUSHED", heard: [] }, { type: "DISABLED" }, discovered],
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
      "intake.renewing",
      "life.retiring.renewing",
      "room.renewing",
      "room.seekingSpace",
    ]));
});

function distinguishAgents(context: AgentContext): unknown {
  const { since, inTouch, roomId, tokenRefused, stale, imported, troubles, paused } = context;
  const { account, room, intake, life, ...others } = troubles;
  return [
    since !== undefined,
    inTouch === true,
    roomId,
    tokenRefused,
    stale,
    imported,
    paused !== undefined,
    [account, room, intake, life].map((trouble) => trouble && [trouble.kind === "token", trouble.tries === 1]),
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

describe("conversation", () => {
  const leaves = new Set<string>();

  test.each([
    ["every day", () => everyday],
    ["after a restore", () => afterRestore],
    ["while its agent is paused", () => whilePaused],
    ["after a restore while its agent is paused", () => pausedAtRestore],
  ])("%s", (_, events) => {
    for (const leaf of exploreConversation(events()).leaves) leaves.add(leaf);
  });

  test("comes into each of its states in one of these ways", () =>
    expect(restingStates("conversation").filter((state) => !leaves.has(state))).toEqual([]));
});

const everyday: readonly ActorEvent[] = [
  { type: "MESSAGE", question: question(1) },
  { type: "MESSAGE", question: question(1, { unreadable: "no images" }) },
  { type: "EDITED", edits: "$question-1", sender: "@anna:test", text: "new" },
  { type: "CUT", gap: "s1" },
  { type: "CLOSE", reason: "It is gone." },
  { type: "DRAFTING" },
  { type: "DRAFTED", eventId: "$draft" },
  { type: "TOOL_APPROVED", tool: "archive" },
  { type: "deadLetter", letter: { type: "MESSAGE", question: question(1) } },
  { type: "APPROVAL_WANTED", approval: approval(1) },
  { type: "APPROVAL_SHOWN", eventId: "$request" },
  command("approve"),
  command("deny", { reactionTo: "$request" }),
  command("stop"),
  command("retry"),
];

/** It comes at any time; what differs afterwards by a draft or a decision has been walked through above. */
const afterRestore: readonly ActorEvent[] = [
  { type: "restored", store: "store-2" },
  { type: "MESSAGE", question: question(1) },
  { type: "MESSAGE", question: question(1, { unreadable: "no images" }) },
  { type: "CLOSE", reason: "It is gone." },
  { type: "DRAFTING" },
  { type: "TOOL_APPROVED", tool: "archive" },
  { type: "deadLetter", letter: { type: "MESSAGE", question: question(1) } },
  { type: "APPROVAL_WANTED", approval: approval(1) },
  command("stop"),
  command("retry"),
];

const whilePaused: readonly ActorEvent[] = [
  { type: "PAUSED" },
  { type: "RESUMED" },
  { type: "MESSAGE", question: question(1) },
  { type: "CLOSE", reason: "It is gone." },
  command("stop"),
];

const pausedAtRestore: readonly ActorEvent[] = [
  { type: "PAUSED" },
  { type: "restored", store: "store-2" },
  { type: "MESSAGE", question: question(1) },
];

function exploreConversation(events: readonly ActorEvent[]): Explored {
  return explore({
    start: drive.conversation(),
    endings: {
      openConversation: [good({ conversationId: "letta-1" }), bad("unreachable"), bad("refused")],
      ask: [
        good({ text: "an answer" }),
        good({ text: "" }),
        good({ text: "<no-reply/>" }),
        good({ text: "half", stopped: true }),
        bad("unreachable"),
        bad("busy"),
        bad("lost"),
        bad("gone"),
        bad("held"),
        bad("failed"),
      ],
      lookWhetherPaused: [good({ paused: false }), good({ paused: true }), bad("")],
      showWait: [good({ eventId: "$draft" }), bad("limited")],
      reply: [good(), bad("unreachable"), bad("too-large"), bad("forbidden")],
      withdrawDraft: [good(), bad("unreachable"), bad("missing")],
      findAnswered: [good({ answered: [] }), good({ answered: ["$question-1"] }), bad("limited"), bad("forbidden")],
    },
    events,
    distinguish: ({ conversationId, queue, current, closed, failed, paused }) => [
      paused,
      failed !== undefined,
      conversationId,
      closed !== undefined,
      Math.min(queue.length, 1),
      current && [
        Math.min(current.attempt, 2),
        Math.min(current.tries, 2),
        current.drafting,
        current.toolApproved,
        current.stopping,
        current.approval !== undefined,
        current.approval?.eventId !== undefined,
        current.answer?.outcome,
        current.question.unreadable !== undefined,
        current.question.maybeAsked,
      ],
    ],
    check: (actor) => {
      const where = JSON.stringify(actor.value);
      if (/backingOff|Later/.test(where)) expect(actor.context.wait, where).toBeDefined();
      const isPaused = actor.in("paused.waiting");
      if (isPaused) expect(actor.context.wait?.reason, where).toBe("the agent is paused");
      if (isPaused) expect([...actor.running, ...actor.timers], where).toEqual([]);
      if (where === '"idle"') expect(actor.context).toMatchObject({ queue: [] });
    },
    settled: (actor) => actor.in("idle") || actor.in("paused.waiting"),
  });
}

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
