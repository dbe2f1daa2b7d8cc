import { beforeEach, describe, expect, test } from "vitest";
import { Approvals } from "../../../src/actors/conversation/approvals.ts";
import { RoomTurn } from "../../../src/actors/conversation/room-turn.ts";
import type { ToolCall } from "../../../src/letta/port.ts";
import type { ConversationEvent } from "../../../src/machines/conversation/context.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { settled } from "../../runtime/simulated-clock.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

const call: ToolCall = { id: "perm-1", name: "Bash", input: { command: "ls" } };
const never = new AbortController().signal;

function make() {
  const context = effectContext<ConversationEvent>();
  const room = new RoomTurn(w.sessions, w.input(), context.signal, context.restarted);
  const approvals = new Approvals({ room, clock: w.clock, signal: context.signal, emit: context.emit });
  return { context, approvals };
}

function decided(allowed: boolean, callId = "perm-1", by?: string) {
  return { type: "DECIDED", callId, allowed, ...(by !== undefined && { by }) };
}

/** The text of each message, the edits as what they make of it. */
function bodies(): string[] {
  return w.sent.map(({ content }) => String(Object(content["m.new_content"] ?? content).body));
}

describe("a request for an approval", () => {
  test("is written down, shown with tool and arguments, and rings whoever has asked", async () => {
    const { context, approvals } = make();
    const asked = approvals.ask(call, never);
    await settled();
    const [request] = w.sent;
    expect(context.emitted).toEqual([
      { type: "APPROVAL_WANTED", approval: { callId: "perm-1", attempt: 1, tool: "Bash", text: bodies()[0] } },
      { type: "APPROVAL_SHOWN", eventId: request?.eventId },
    ]);
    expect(request?.content).toMatchObject({
      msgtype: "m.text",
      "m.mentions": { user_ids: [w.question.sender] },
      "m.relates_to": { "m.in_reply_to": { event_id: w.question.eventId } },
    });
    expect(request?.content).not.toHaveProperty("io.letta_matrix.turn");
    expect(bodies()[0]).toBe(
      'May I use the tool Bash with {"command":"ls"}? Say !approve or !deny, or react with ✅ or ❌.',
    );
    approvals.take(decided(true, "perm-1", "@anna:test"));
    expect(await asked).toEqual({ allowed: true, reason: "Approved by @anna:test." });
    expect(bodies()[1]).toMatch(/react with ✅ or ❌\.\nApproved by @anna:test\.$/);
  });

  test.each([
    ["@anna:test", "Denied by @anna:test."],
    [undefined, "Denied: nobody decided in time."],
  ])("that is denied says by whom (%s)", async (by, reason) => {
    const { approvals } = make();
    const asked = approvals.ask(call, never);
    await settled();
    approvals.take(decided(false, "perm-1", by));
    expect(await asked).toEqual({ allowed: false, reason });
    expect(bodies()[1]?.endsWith(reason)).toBe(true);
  });

  test("hides nothing: what would turn the text round or be no text is replaced, and long arguments are cut", async () => {
    const { approvals } = make();
    void approvals.ask({ ...call, input: { command: "ls \u202e\u200b; rm -rf /", more: "x".repeat(1_000) } }, never);
    await settled();
    expect(bodies()[0]).toContain("ls \ufffd\ufffd; rm -rf /");
    expect(bodies()[0]?.length).toBeLessThan(450);
    expect(bodies()[0]).toMatch(/… \(\d+ characters\)\?/);
    expect(w.sent[0]?.content).not.toHaveProperty("formatted_body");
  });

  test("is sent until the homeserver takes it", async () => {
    w.homeserver.fail("send", matrixError("limited", 5_000));
    const { approvals } = make();
    const asked = approvals.ask(call, never);
    await settled();
    expect(bodies()).toEqual([]);
    await w.clock.pass(5_000);
    await settled();
    expect(bodies()).toHaveLength(1);
    approvals.take(decided(true));
    await asked;
  });

  test("of a turn that ends meanwhile is denied, and says so", async () => {
    const { approvals } = make();
    const over = new AbortController();
    const asked = approvals.ask(call, over.signal);
    await settled();
    over.abort();
    expect((await asked).allowed).toBe(false);
    expect(bodies()[1]).toMatch(/Not decided: the turn has ended\.$/);
  });

  test("is not shown again by a restarted process whose decision was written down before", async () => {
    const { approvals, context } = make();
    approvals.take(decided(true, "perm-1", "@anna:test"));
    expect((await approvals.ask(call, never)).allowed).toBe(true);
    expect(context.emitted).toEqual([]);
  });

  test("is decided by no decision about another call, nor twice by the same", async () => {
    const { approvals } = make();
    const asked = approvals.ask(call, never);
    await settled();
    approvals.take(decided(true, "perm-0"));
    approvals.take(decided(false));
    expect((await asked).allowed).toBe(false);
    let again: boolean | undefined;
    void approvals.ask(call, never).then(({ allowed }) => {
      again = allowed;
    });
    await settled();
    expect(again).toBeUndefined();
  });
});
