import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { otidOf } from "../../../src/actors/conversation/otid.ts";
import { addressOf, agentLocalpart, agentUserId } from "../../../src/machines/addresses.ts";
import { transactionId } from "../../../src/matrix/transaction-id.ts";

/**
 * Names that leave the process. They tell after a restart, a restore or an update whether something was sent before:
 * these vectors must never change, or an old message becomes a new one.
 */

describe("the id of an input at Letta", () => {
  test.each([
    ["agent-1", "$asked", 1, "6109e14d-4e95-5631-8bfe-93af394fdf69"],
    ["agent-1", "$asked", 2, "58bda9ee-87e8-5871-8d59-37d56b3b8bae"],
    ["agent-2", "$asked", 1, "999d9320-b959-55d8-ab8d-7af03cea7725"],
    ["agent-d4b5c1a2-0000-4000-8000-00000000000a", "$Yx3-_9:example.org", 5, "09ef15cc-c5ce-54f0-b57a-e850d3c32c76"],
  ])("of %s, %s, attempt %i never changes", (agentId, eventId, attempt, otid) => {
    expect(otidOf(agentId, eventId, attempt)).toBe(otid);
  });

  test("is another for another agent, question or attempt", () => {
    const one = fc.tuple(
      fc.constantFrom("agent-1", "agent-2"),
      fc.stringMatching(/^\$\S{1,8}$/),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(one, one, (a, b) => {
        expect(otidOf(...a) === otidOf(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe("a transaction id", () => {
  const name = { agent: "@agent_1:test", room: "!room:test", type: "m.room.message", cause: "$asked", part: "final/1" };

  test.each([
    [{}, "DA74kv2d6vk7DrnAmAS9AkYTHXb-kglA3565ECE8Ao4"],
    [{ part: "draft" }, "Cw2g9aVNOHS4sDElmDk6Q1CeE4HEmC3UdLlgoFb5qgo"],
    [{ part: "draft/1/1" }, "cseNB7609ktlTqO0AazdH0gFMRmapGqDLbCF8N8USrM"],
    [{ type: "m.room.redaction", part: "draft" }, "LVo9jEsPjGCrVZEh0rNY-DX9_LU-Nv6NUi0SvEWormw"],
    [{ cause: "s72594_4483_1934", part: "cut" }, "ztgnN7kMLT52GFqQhvc2UWN1F0Cxvuhru4ubmWLmDn0"],
  ])("with %o never changes", (change, id) => {
    expect(transactionId({ ...name, ...change })).toBe(id);
  });

  test("is another when any part of the name is, and fits into a URL", () => {
    const word = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom("a", "b", '"', ",", "a,b"));
    const any = fc.record({ agent: word, room: word, type: word, cause: word, part: word });
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(transactionId(a) === transactionId(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
        expect(transactionId(a)).toMatch(/^[\w-]{43}$/);
      }),
    );
  });
});

describe("#42 an agent's user", () => {
  test.each([
    ["agent-1", "agent_1"],
    ["agent-agent-1", "agent_1"],
    ["agent-d4b5c1a2-0000-4000-8000-00000000000A", "agent_d4b5c1a2_0000_4000_8000_00000000000a"],
    ["no prefix!", "agent_no=20prefix=21"],
  ])("of %s is %s for ever", (agentId, localpart) => {
    expect(agentLocalpart(agentId)).toBe(localpart);
    expect(agentUserId("test", agentId)).toBe(`@${localpart}:test`);
  });
});

test("the actors' addresses never change: records are stored under them", () => {
  expect(addressOf.agent("example.org:8448", "agent-1")).toBe("example.org%3A8448/agent/agent-1");
  expect(addressOf.conversation("example.org", "agent-1", "!room:example.org")).toBe(
    "example.org/conversation/agent-1/!room%3Aexample.org/",
  );
  expect(addressOf.space("example.org")).toBe("example.org/space/agents");
  expect(addressOf.discovery("example.org")).toBe("example.org/discovery/letta");
});
