import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MalformedPart } from "../../src/matrix/event.ts";
import type { SyncResponse } from "../../src/matrix/port.ts";
import { encodeFilter, syncAnswer, toSyncResponse } from "../../src/matrix/sync-response.ts";

const userId = "@agent:test";
const filter = { timelineTypes: ["m.room.message"], timelineLimit: 10, stateTypes: ["m.room.create"] };

/** From the bytes of an answer, as the adapter does it. */
function read(answer: string): { readonly response: SyncResponse; readonly malformed: MalformedPart[] } {
  const malformed: MalformedPart[] = [];
  const parsed = syncAnswer.parse(JSON.parse(answer));
  return { response: toSyncResponse(parsed, userId, filter, (part) => malformed.push(part)), malformed };
}

function event(body: string, more: object = {}): Record<string, unknown> {
  return {
    event_id: `$${body}`,
    type: "m.room.message",
    sender: "@human:test",
    content: { msgtype: "m.text", body },
    origin_server_ts: 1_700_000_000_000,
    unsigned: { age: 5 },
    ...more,
  };
}

function answerWith(events: unknown, rooms: object = {}): string {
  const join = { "!room": { timeline: { events, prev_batch: "p" } }, ...rooms };
  return JSON.stringify({ next_batch: "s1", rooms: { join } });
}

describe("a sync response", () => {
  it.each<[name: string, event: unknown]>([
    ["null", null],
    ["a number", 7],
    ["a text", "event"],
    ["a list", []],
    ["nothing in it", {}],
    ["no event id", event("x", { event_id: undefined })],
    ["an event id of another kind", event("x", { event_id: "!room" })],
    ["a numeric event id", event("x", { event_id: 7 })],
    ["no type", event("x", { type: undefined })],
    ["a type that is a list", event("x", { type: ["m.room.message"] })],
    ["a sender that is an object", event("x", { sender: { toString: "@a:b" } })],
    ["a sender that is no user", event("x", { sender: "admin" })],
    ["no content", event("x", { content: undefined })],
    ["content that is null", event("x", { content: null })],
    ["content that is a list", event("x", { content: ["body"] })],
    ["content that is a text", event("x", { content: "body" })],
    ["a time that is a text", event("x", { origin_server_ts: "1700000000000" })],
    ["a time that is null", event("x", { origin_server_ts: null })],
    ["a state key that is a number", event("x", { state_key: 0 })],
  ])("loses only the event that is broken: %s", (_name, broken) => {
    const { response, malformed } = read(answerWith([event("before"), broken, event("after")]));
    expect(response.nextBatch).toBe("s1");
    expect(response.joined[0]?.timeline.map(({ content }) => content["body"])).toEqual(["before", "after"]);
    expect(malformed).toMatchObject([{ userId, roomId: "!room" }]);
    expect(malformed[0]?.reason).toMatch(/\w: \w/);
  });

  it.each<[name: string, room: unknown]>([
    ["null", null],
    ["a list", []],
    ["a timeline that is a list", { timeline: [] }],
    ["events that are an object", { timeline: { events: { 0: event("x") } } }],
    ["a mark that is a text", { timeline: { events: [], limited: "false" } }],
    ["a cursor that is a number", { timeline: { events: [], prev_batch: 7 } }],
    ["state that is a list", { state: [] }],
  ])("loses only the room that is broken: %s", (_name, broken) => {
    const { response, malformed } = read(answerWith([event("kept")], { "!broken": broken }));
    expect(response.joined).toMatchObject([{ roomId: "!room", timeline: [{ content: { body: "kept" } }] }]);
    expect(malformed).toMatchObject([{ roomId: "!broken" }]);
  });

  it.each([
    ["{}"],
    ['{"next_batch":7}'],
    ['{"next_batch":""}'],
    ['{"next_batch":"s1","rooms":[]}'],
    ['{"next_batch":"s1","rooms":{"join":[]}}'],
    ['{"next_batch":"s1","rooms":{"leave":"!room"}}'],
  ])("is none when its cursor or its rooms are broken: %s", (answer) => {
    expect(syncAnswer.safeParse(JSON.parse(answer)).success).toBe(false);
  });

  it("never names a value in what it says about a broken one", () => {
    const { malformed } = read(answerWith([event("s3cret", { sender: "s3cret", content: "s3cret" })]));
    expect(JSON.stringify(malformed)).not.toContain("s3cret");
  });

  it("has a rest that it does not know", () => {
    const answer = {
      next_batch: "s1",
      presence: 7,
      to_device: { events: [null] },
      "io.test.unknown": {},
      rooms: { knock: [], "io.test": 1, join: { "!room": { timeline: {}, summary: 7, ephemeral: null } } },
    };
    const { response, malformed } = read(JSON.stringify(answer));
    expect(response).toEqual({
      nextBatch: "s1",
      joined: [{ roomId: "!room", timeline: [], limited: false, state: [] }],
      invited: [],
      left: [],
    });
    expect(malformed).toEqual([]);
  });

  it("takes any text and any number where one belongs", () => {
    const odd = event("\u0000\u202e👩‍👩‍👧‍👦\ufeff\ud800", {
      origin_server_ts: 1e30,
      content: { body: "x".repeat(1_000_000), n: 1e300, deep: JSON.parse(nested(50)) },
    });
    const early = event("early", { origin_server_ts: -1.5 });
    const { response, malformed } = read(answerWith([odd, early]));
    expect(response.joined[0]?.timeline).toHaveLength(2);
    expect(malformed).toEqual([]);
  });

  it("loses an event that is nested so deep that it could not be written down again", () => {
    const depth = 20_000;
    expect(() => JSON.stringify(JSON.parse(nested(depth)))).toThrow(RangeError);
    const answer = answerWith([event("before"), event("DEEP"), event("after")]).replace(
      '"body":"DEEP"',
      `"body":${nested(depth)}`,
    );
    const { response, malformed } = read(answer);
    expect(response.joined[0]?.timeline.map(({ content }) => content["body"])).toEqual(["before", "after"]);
    expect(malformed).toMatchObject([{ reason: expect.stringContaining("nested too deep") }]);
  });

  it("does not reach for what JavaScript objects inherit", () => {
    const odd = '{"__proto__":{"polluted":1},"constructor":{"timeline":7},"toString":null,"hasOwnProperty":[]}';
    const answer = `{"next_batch":"s1","__proto__":{"polluted":1},"rooms":{"join":${odd},"invite":${odd},"leave":${odd}}}`;
    const { response } = read(answer);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(response.joined.every(({ timeline }) => timeline.length === 0)).toBe(true);
    const content = JSON.parse('{"body":"x","__proto__":{"polluted":1}}');
    const kept = read(answerWith([event("x", { content })])).response;
    expect(Object.getPrototypeOf(kept.joined[0]?.timeline[0]?.content)).toBe(Object.prototype);
  });

  it("names invitations, whatever is left out of them or wrong in them", () => {
    const member = (more: object) => ({
      type: "m.room.member",
      state_key: userId,
      sender: "@human:test",
      content: { membership: "invite" },
      ...more,
    });
    const invite = {
      "!whole": { invite_state: { events: [{ type: "m.room.name", content: null }, member({})] } },
      "!other": { invite_state: { events: [member({ state_key: "@other:test" })] } },
      "!broken": { invite_state: { events: [null, member({ sender: 7 }), member({ content: [] })] } },
      "!empty": {},
      "!null": null,
    };
    const { response } = read(JSON.stringify({ next_batch: "s1", rooms: { invite, leave: { "!gone": null } } }));
    expect(response.invited).toEqual([
      { roomId: "!whole", inviter: "@human:test" },
      { roomId: "!other" },
      { roomId: "!broken" },
      { roomId: "!empty" },
      { roomId: "!null" },
    ]);
    expect(response.left).toEqual(["!gone"]);
  });

  it("leaves memberships out that only this adapter asked for", () => {
    const joined = event("m", { type: "m.room.member", state_key: userId, content: { membership: "join" } });
    const answer = answerWith([joined, event("kept")]);
    expect(read(answer).response.joined[0]?.timeline.map(({ type }) => type)).toEqual(["m.room.message"]);
    const asked = { ...filter, timelineTypes: ["m.room.member"] };
    const all = toSyncResponse(syncAnswer.parse(JSON.parse(answer)), userId, asked, () => {});
    expect(all.joined[0]?.timeline).toHaveLength(2);
    expect(JSON.parse(encodeFilter(filter)).room.timeline.types).toEqual(["m.room.message", "m.room.member"]);
    expect(JSON.parse(encodeFilter(asked)).room.timeline.types).toEqual(["m.room.member"]);
  });

  it("with anything in the place of anything is read or refused, and never throws", () => {
    const whole = JSON.parse(
      answerWith([event("one"), event("two")], { "!other": { state: { events: [event("s")] } } }),
    );
    const paths = pathsOf(whole);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const parsed = syncAnswer.safeParse(JSON.parse(JSON.stringify(replaced(whole, path, value))));
        if (!parsed.success) return;
        for (const { timeline, state } of toSyncResponse(parsed.data, userId, filter, () => {}).joined) {
          for (const { eventId, sender, content } of [...timeline, ...state]) {
            expect([typeof eventId, typeof sender, typeof content]).toEqual(["string", "string", "object"]);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

type Path = readonly string[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...at, key]))];
}

function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((item, n) => (String(n) === key ? replaced(item, rest, by) : item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, item]) => [k, k === key ? replaced(item, rest, by) : item]));
}
