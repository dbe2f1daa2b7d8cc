import { describe, expect, test } from "vitest";
import type { CountedRoom } from "./census.ts";
import type { Asking, Evidence, Kill, Resident } from "./evidence.ts";
import { judge, type LawName, lawNames, type Violation } from "./laws.ts";
import type { SentMessage } from "./messages.ts";
import type { RoomEvent } from "./person.ts";

const scout: Resident = { agentId: "agent-1", userId: "@agent_1:test", name: "Scout", word: "plum", roomId: "!room" };

function asked(nonce: string, more: Partial<SentMessage> = {}): SentMessage {
  return {
    nonce,
    agent: 0,
    person: 0,
    directives: "",
    silent: false,
    usesTool: false,
    roomId: scout.roomId,
    eventId: `$${nonce}`,
    ...more,
  };
}

let counted = 0;

function event(sender: string, content: Record<string, unknown>, eventId = `$event${++counted}`): RoomEvent {
  return { event_id: eventId, type: "m.room.message", sender, origin_server_ts: 0, content };
}

const question = ({ nonce, eventId }: SentMessage): RoomEvent =>
  event("@ada:test", { msgtype: "m.text", body: `[[nonce=${nonce}]]` }, eventId);

const mark = (cause: string, more: object) => ({
  "io.letta_matrix.turn": { cause, attempt: 1, part: 1, parts: 1, final: true, hops: 0, ...more },
});

function draft({ eventId, thread }: SentMessage, id?: string, relation?: object): RoomEvent {
  const reply = { "m.in_reply_to": { event_id: eventId } };
  const placed = thread === undefined ? reply : { ...reply, rel_type: "m.thread", event_id: thread };
  return event(
    scout.userId,
    { msgtype: "m.notice", body: "nonce=", "m.relates_to": relation ?? placed, ...mark(eventId, { final: false }) },
    id,
  );
}

function final(message: SentMessage, draftId: string, body?: string, outcome = "answer"): RoomEvent {
  const text = body ?? `nonce=${message.edited ?? message.nonce} word=${scout.word}`;
  const fresh = { msgtype: "m.text", body: text, ...mark(message.eventId, { outcome }) };
  return event(scout.userId, {
    ...fresh,
    body: `* ${text}`,
    "m.new_content": fresh,
    "m.relates_to": { rel_type: "m.replace", event_id: draftId },
  });
}

const request = ({ eventId }: SentMessage): RoomEvent =>
  event(scout.userId, {
    msgtype: "m.text",
    body: "May I?",
    "io.letta_matrix.approval": { cause: eventId, open: true },
  });

const one = asked("n1");
const two = asked("n2", { edited: "n2-edited", inReplyTo: "$n1", thread: "$n1" });
const silent = asked("n3", { silent: true });

const asking = (nonce: string, at: number, more: Partial<Asking> = {}): Asking => ({
  nonce,
  question: `Tell me about ${nonce}.`,
  at,
  afterTool: false,
  ...more,
});
const kill = (kind: Kill["kind"], at: number): Kill => ({ kind, boundary: "asked", eventId: undefined, at });

const ends = [final(one, "$draft1"), final(two, "$draft2")] as const;
const timeline = [
  question(one),
  question(two),
  question(silent),
  draft(one, "$draft1"),
  ends[0],
  draft(two, "$draft2"),
  ends[1],
];

/** Of a run in which all went well, in spite of a kill. */
const fine: Evidence = {
  residents: [scout],
  messages: [one, two, silent],
  timelines: new Map([[scout.roomId, timeline]]),
  kills: [kill("letta-matrix", 150)],
  commands: [],
  askings: [
    asking("n1", 100),
    asking("n1", 200),
    asking("n1", 210, { afterTool: true }),
    asking("n2-edited", 300),
    asking("n3", 400),
  ],
  passings: [{ boundary: "final-committed", eventId: "$n1", at: 250 }],
  acceptances: [{ otid: "o1", eventId: "$n1", at: 99 }],
  inputs: [],
  approved: new Set(),
  toolRuns: new Map([["n1", 1]]),
  oneTimeRequests: [{ path: "/_matrix/client/v3/createRoom", at: 120 }],
  arrivals: [{ agentId: "agent-1", from: 110, to: 140 }],
  count: {
    users: [scout.userId, "@letta-matrix:test", "@ada:test"],
    rooms: [
      { roomId: "!space", creator: "@letta-matrix:test", isSpace: true, alias: "#letta-agents:test" },
      { roomId: scout.roomId, creator: scout.userId, isSpace: false, alias: "#agent_1:test" },
    ],
  },
};

const rooms = (...more: readonly CountedRoom[]): Partial<Evidence> => ({
  count: { ...fine.count, rooms: [...fine.count.rooms, ...more] },
});
const [space, home] = fine.count.rooms as [CountedRoom, CountedRoom];

const shown = (...events: RoomEvent[]): Partial<Evidence> => ({ timelines: new Map([[scout.roomId, events]]) });
const without = (...left: (RoomEvent | undefined)[]): RoomEvent[] => timeline.filter((one) => !left.includes(one));

function broken(change: Partial<Evidence>): Pick<Violation, "law" | "eventId">[] {
  return judge({ ...fine, ...change }).map(({ law, eventId }) => ({ law, eventId }));
}

const allowed = { law: "asked-as-allowed", eventId: "$n1" };

test("a run in which all went well breaks no law", () => {
  expect(judge(fine)).toEqual([]);
});

describe("the law", () => {
  const cases: [LawName, string, Partial<Evidence>][] = [
    ["answered-once", "$n1", shown(...timeline, final(one, "$draft1"))],
    ["no-answer-lost", "$n3", { askings: fine.askings.filter(({ nonce }) => nonce !== "n3") }],
    ["silence-kept", "$n3", shown(...timeline, draft(silent, "$draft3"), final(silent, "$draft3"))],
    ["nonce-of-its-question", "$n1", shown(...without(...ends), final(one, "$draft1", "nonce=n2 word=plum"), ends[1])],
    ["word-of-its-agent", "$n1", shown(...without(...ends), final(one, "$draft1", "nonce=n1 word=fig"), ends[1])],
    [
      "right-place",
      "$n1",
      shown(draft(one, "$draft1", { "m.in_reply_to": { event_id: "$n2" } }), ...without(timeline[3])),
    ],
    [
      "right-place",
      "$n2",
      shown(draft(two, "$draft2", { "m.in_reply_to": { event_id: "$n2" } }), ...without(timeline[5])),
    ],
    ["no-draft-left-hanging", "$n1", shown(draft(one), ...timeline)],
    [
      "no-draft-left-hanging",
      "$n2",
      shown(...timeline, draft(two, "$late", { rel_type: "m.replace", event_id: "$draft2" })),
    ],
    ["asked-as-allowed", "$n1", { kills: [] }],
    ["asked-as-allowed", "$n1", { kills: [kill("synapse", 150)] }],
    [
      "asked-as-allowed",
      "$n1",
      { askings: [...fine.askings, asking("n1", 260)], kills: [...fine.kills, kill("letta", 255)] },
    ],
    ["asked-as-allowed", "$n1", { acceptances: [...fine.acceptances, { otid: "o1", eventId: "$n1", at: 199 }] }],
    ["no-tool-run-twice", "$n1", { toolRuns: new Map([["n1", 2]]) }],
    [
      "error-only-after-approved-tool",
      "$n1",
      shown(...without(...ends), final(one, "$draft1", "sorry", "error"), ends[1]),
    ],
    ["request-decided", "$n1", shown(...timeline, request(one))],
    ["no-tool-run-denied", "$n1", { messages: [{ ...one, decision: "deny" }, two, silent] }],
    ["in-order", "$n2", shown(...without(...ends), ends[1], ends[0])],
    [
      "nothing-else-said",
      "$strange",
      shown(...timeline, event(scout.userId, { msgtype: "m.text", body: "hm" }, "$strange")),
    ],
    ["no-second-registration-login-room-space", "", { oneTimeRequests: [{ path: "/_matrix/client/v3/login", at: 1 }] }],
    [
      "no-second-registration-login-room-space",
      "",
      { oneTimeRequests: [{ path: "/_matrix/client/v3/login", at: 120 }] },
    ],
    [
      "no-second-registration-login-room-space",
      "",
      { oneTimeRequests: [...fine.oneTimeRequests, { path: "/_matrix/client/v3/createRoom", at: 130 }] },
    ],
    ["one-of-each", "", { count: { ...fine.count, users: ["@ada:test"] } }],
    ["one-of-each", "", rooms({ ...home, roomId: "!second" })],
    ["one-of-each", "", rooms({ ...home, roomId: "!of-nobody", creator: "@letta-matrix:test" })],
    ["one-of-each", "", rooms({ ...space, roomId: "!second" })],
    ["one-of-each", "", { count: { ...fine.count, rooms: [space, { ...home, alias: undefined }] } }],
  ];

  test.each(cases)("%s is broken by %s", (law, eventId, change) => {
    expect(broken(change)).toContainEqual({ law, eventId });
  });

  test.each(cases.filter(([law]) => law !== "silence-kept"))("%s is broken by %s alone", (law, _, change) => {
    expect(new Set(broken(change).map((violation) => violation.law))).toEqual(new Set([law]));
  });

  test("of each name is shown to be broken", () => {
    const shownBroken = new Set(cases.map(([law]) => law));
    // The one is judged by the driver, which knows whether something still goes on; the other has cases of its own.
    expect(lawNames.filter((law) => !shownBroken.has(law))).toEqual(["comes-to-rest", "commanded-once"]);
  });
});

test("a message without a final is lost, and one of outcome error is none where a tool was approved", () => {
  expect(broken(shown(...without(ends[1])))).toEqual([
    { law: "no-answer-lost", eventId: "$n2" },
    { law: "no-draft-left-hanging", eventId: "$n2" },
  ]);
  const failed = shown(...without(...ends), final(one, "$draft1", "sorry", "error"), ends[1]);
  expect(broken({ ...failed, approved: new Set(["$n1"]) })).toEqual([]);
});

test("a redacted draft hangs no more, and what edits it is not seen", () => {
  const redacted = { ...draft(silent, "$draft3"), content: {} };
  const edit = draft(silent, "$edit3", { rel_type: "m.replace", event_id: "$draft3" });
  expect(broken(shown(...timeline, redacted, edit))).toEqual([]);
});

test("an input that Letta's history does not know may be sent again, after each acceptance anew", () => {
  const again = { otid: "o1", eventId: "$n1" };
  const unknown = { otid: "o1", what: "fate", detail: "unknown", at: 160 } as const;
  const acceptances = [...fine.acceptances, { ...again, at: 180 }];
  expect(broken({ acceptances, inputs: [unknown] })).toEqual([]);
  expect(broken({ acceptances, inputs: [{ ...unknown, detail: "lost" }] })).toEqual([allowed]);
  expect(broken({ acceptances: [...acceptances, { ...again, at: 190 }], inputs: [unknown] })).toEqual([allowed]);
});

test("a kill while an agent comes explains a login, and one further request for its room", () => {
  const again = (path: string, at: number) => ({ path: `/_matrix/client/v3/${path}`, at });
  const oneTimeRequests = [...fine.oneTimeRequests, again("createRoom", 130), again("login", 131)];
  expect(broken({ oneTimeRequests, kills: [...fine.kills, kill("synapse", 125)] })).toEqual([]);
});

describe("what people command", () => {
  const commanded = { roomId: scout.roomId, at: 0 };
  const stop = { ...commanded, name: "stop", eventId: "$stop" } as const;
  const retry = { ...commanded, name: "retry", eventId: "$retry" } as const;
  const said = (name: string, eventId: string) => event("@ada:test", { msgtype: "m.text", body: name }, eventId);
  const stopped = final(one, "$draft1", "Well…\n\n(Stopped.)", "error");
  const retried = event(scout.userId, {
    msgtype: "m.text",
    body: "nonce=n1 word=plum",
    "m.relates_to": { "m.in_reply_to": { event_id: "$n1" } },
    ...mark("$n1", { outcome: "answer", retry: retry.eventId }),
  });
  const remark = (to: string) =>
    event(scout.userId, {
      msgtype: "m.notice",
      body: "Nothing.",
      "m.relates_to": { "m.in_reply_to": { event_id: to } },
    });
  const before = [question(one), question(two), question(silent), draft(one, "$draft1")];
  const after = [draft(two, "$draft2"), ends[1]];
  const whole = [...before, said("!stop", "$stop"), stopped, said("!retry", "$retry"), ...after, retried];

  test("explains an error and one further turn", () => {
    const askings = [...fine.askings, asking("n1", 260)];
    expect(broken({ ...shown(...whole), commands: [stop, retry], askings })).toEqual([]);
    const more = [...askings, asking("n1", 270)];
    expect(broken({ ...shown(...whole), commands: [stop, retry], askings: more })).toEqual([allowed]);
  });

  test("may come to Letta before what was stopped does: it is begun once, late, if it was sent", () => {
    const stoppedOnly = [...before, said("!stop", "$stop"), stopped, ...after];
    const late = [asking("n1", 260), ...fine.askings.filter(({ nonce }) => nonce !== "n1")];
    const inputs = [{ otid: "o1", eventId: "$n1", what: "ask", at: 99 }] as const;
    const told = { ...shown(...stoppedOnly), commands: [stop] };
    expect(broken({ ...told, askings: late, inputs })).toEqual([]);
    expect(broken({ ...told, askings: late })).toContainEqual(allowed);
    expect(broken({ ...told, askings: [...fine.askings, asking("n1", 260)], inputs })).toContainEqual(allowed);
    expect(broken({ askings: late, inputs })).toContainEqual(allowed);
  });

  test("is begun late, too, when it was wanted once more and stopped again: once for each input", () => {
    const again = { ...stop, eventId: "$stop2" };
    const stoppedAgain = event(scout.userId, {
      msgtype: "m.text",
      body: "(Stopped.)",
      "m.relates_to": { "m.in_reply_to": { event_id: "$n1" } },
      ...mark("$n1", { outcome: "error", retry: retry.eventId }),
    });
    const room = [...whole.slice(0, -1), said("!stop", again.eventId), stoppedAgain];
    const others = fine.askings.filter(({ nonce }) => nonce !== "n1");
    const input = (otid: string, at: number) => ({ otid, eventId: "$n1", what: "ask", at }) as const;
    const passings = [230, 255].map((at) => ({ boundary: "acknowledged", eventId: "$n1", at }) as const);
    const told = { ...shown(...room), commands: [stop, retry, again], passings };
    const askings = [asking("n1", 100), asking("n1", 260), ...others];
    expect(broken({ ...told, askings, inputs: [input("o1", 99), input("o2", 240)] })).toEqual([]);
    expect(broken({ ...told, askings, inputs: [input("o1", 99)] })).toEqual([allowed]);
    const twice = [asking("n1", 100), asking("n1", 240), asking("n1", 260), ...others];
    expect(broken({ ...told, askings: twice, inputs: [input("o1", 99), input("o2", 239)] })).toContainEqual(allowed);
  });

  test("explains one word about it", () => {
    expect(broken({ ...shown(...timeline, remark("$stop")), commands: [stop] })).toEqual([]);
    expect(broken(shown(...timeline, remark("$stop")))).toEqual([
      expect.objectContaining({ law: "nothing-else-said" }),
    ]);
  });

  test.each([
    ["$stop", { ...shown(...timeline, remark("$stop"), remark("$stop")), commands: [stop] }],
    ["$retry", { ...shown(...whole, remark("$retry")), commands: [stop, retry] }],
    [stopped.event_id, { ...shown(...before, stopped, said("!stop", "$stop"), ...after), commands: [stop] }],
    ["", { commands: [stop], askings: [...fine.askings, { ...asking("n3", 400), question: "!stop" }] }],
  ])("has one effect: %s", (eventId, change) => {
    expect(broken(change)).toContainEqual({ law: "commanded-once", eventId });
  });

  test("is told from a second end of the same turn", () => {
    const again = { ...retried, event_id: "$again" };
    expect(broken({ ...shown(...whole, again), commands: [stop, retry] })).toContainEqual({
      law: "answered-once",
      eventId: "$n1",
    });
  });
});

test("one kill explains one further asking", () => {
  const askings = [...fine.askings, asking("n1", 220)];
  expect(broken({ askings })).toEqual([allowed]);
  expect(broken({ askings, kills: [...fine.kills, kill("all", 215)] })).toEqual([]);
});
