import { beforeEach, describe, expect, test } from "vitest";
import { answerInvitations } from "../../../src/actors/agent/answer-invitations.ts";
import { catchUp, poll } from "../../../src/actors/agent/intake.ts";
import type { Answered, Invitation, LetInto } from "../../../src/machines/agent/context.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

const policy = { server: "test", people: new Set([anna]), servers: new Set(["friends.org"]) };
const nobody = { admins: [], readers: [] };

let t: Town;
let since: string;
beforeEach(async () => {
  t = await town();
  since = `s${t.homeserver.place}`;
});

/** Somebody's room, into which the agent is invited. */
function invitedBy(inviter: string): string {
  const roomId = t.homeserver.makeRoom(inviter);
  t.homeserver.setMember(roomId, t.userId, "invite", inviter);
  return roomId;
}

function polled(spaceId = "!space:test") {
  const { userId, roomId } = t;
  return poll(t.sessions, t.clock, nobody, policy, { people: new Set() })(
    { userId, roomId, since, spaceId },
    effectContext<never>(),
  );
}

function answer(
  invited: readonly Invitation[],
  { pushes = false, context = effectContext<LetInto | Answered>() } = {},
) {
  const { userId, roomId } = t;
  const effect = answerInvitations(t.sessions, { people: new Set() }, pushes);
  return effect({ userId, roomId, spaceId: "!space:test", invited }, context);
}

const membershipIn = (roomId: string) => t.homeserver.room(roomId).membershipOf(t.userId);

describe("an agent that is invited", () => {
  test.each([
    ["one of the people it serves", anna, true],
    ["somebody of a homeserver that may", "@carl:friends.org", true],
    ["another agent of its homeserver", "@agent_2:test", true],
    ["somebody else", "@mallory:test", false],
    ["somebody who is called like an agent elsewhere", "@agent_2:evil.org", false],
    ["somebody whose name ends like a homeserver that may", "@x:evil.org:friends.org", false],
  ])("by %s accepts or declines", async (_, inviter, accept) => {
    const roomId = invitedBy(inviter);
    const { invited, heard, changed } = await polled();
    expect(invited).toEqual([{ roomId, accept }]);
    expect([heard, changed]).toEqual([[], undefined]);
    await answer(invited ?? []);
    expect(membershipIn(roomId)).toBe(accept ? "join" : "leave");
  });

  test("into its space accepts, whoever invites", async () => {
    const spaceId = invitedBy("@bot:test");
    expect((await polled(spaceId)).invited).toEqual([{ roomId: spaceId, accept: true }]);
  });

  test("into its own room takes it for a change of that, which is put right", async () => {
    t.homeserver.setMember(t.roomId, t.userId, "leave", anna);
    t.homeserver.setMember(t.roomId, t.userId, "invite", "@mallory:test");
    const result = await polled();
    expect(result.changed).toBe(true);
    expect(result.invited).toBeUndefined();
  });

  test("while its own room cannot be read still hears, and declines nothing that may be its own room", async () => {
    const foreign = invitedBy(anna);
    invitedBy("@mallory:test");
    t.say("hello");
    t.homeserver.fail("roomState", matrixError("unreachable"));
    expect(await polled()).toMatchObject({
      heard: [{ question: { text: "hello" } }],
      invited: [{ roomId: foreign, accept: true }],
      changed: true,
    });
  });

  test("into the room that its own was upgraded to goes there, whoever invites", async () => {
    const upgraded = invitedBy("@mallory:test");
    const tombstone = { type: "m.room.tombstone", stateKey: "", content: { replacement_room: upgraded } };
    t.homeserver.post(t.roomId, { sender: "@mallory:test", ...tombstone });
    const result = await polled();
    expect(result.changed).toBe(true);
    expect(result.invited).toBeUndefined();
  });

  test("while nobody listened answers at the first look", async () => {
    const roomId = invitedBy(anna);
    const look = catchUp(
      t.sessions,
      t.clock,
      policy,
      { people: new Set() },
      { isTalkingIn: () => false, knownSince: 0, pushes: false },
    );
    const { invited } = await look({ userId: t.userId, roomId: t.roomId }, effectContext<never>());
    expect(invited).toEqual([{ roomId, accept: true }]);
  });

  test("a thousand times is bounded, and does not miss those that count", async () => {
    for (let n = 0; n < 200; n++) invitedBy("@mallory:test");
    const welcome = invitedBy(anna);
    const { invited = [] } = await polled();
    expect(invited.length).toBeLessThanOrEqual(50);
    expect(invited[0]).toEqual({ roomId: welcome, accept: true });
  });
});

describe("answering invitations", () => {
  test("twice is the same as once", async () => {
    const [accepted, declined] = [invitedBy(anna), invitedBy("@mallory:test")];
    const both = [
      { roomId: accepted, accept: true },
      { roomId: declined, accept: false },
    ];
    await answer(both);
    await answer(both);
    expect([accepted, declined].map(membershipIn)).toEqual(["join", "leave"]);
  });

  test("goes on after one that was taken back", async () => {
    const [gone, welcome] = [invitedBy(anna), invitedBy(anna)];
    t.homeserver.setMember(gone, t.userId, "leave", anna);
    await answer([
      { roomId: gone, accept: true },
      { roomId: welcome, accept: true },
    ]);
    expect(membershipIn(welcome)).toBe("join");
  });

  test("is tried again when a refusal leaves the invitation standing", async () => {
    const welcome = invitedBy(anna);
    t.homeserver.fail("join", matrixError("forbidden"));
    await expect(answer([{ roomId: welcome, accept: true }])).rejects.toMatchObject({ kind: "forbidden" });
    await answer([{ roomId: welcome, accept: true }]);
    expect(membershipIn(welcome)).toBe("join");
  });

  test("is tried again when the homeserver holds it back, after all others", async () => {
    const [slow, welcome] = [invitedBy(anna), invitedBy(anna)];
    t.homeserver.fail("join", matrixError("limited", 10_000), 1, ({ args: [roomId] }) => roomId === slow);
    const both = [slow, welcome].map((roomId) => ({ roomId, accept: true }));
    await expect(answer(both)).rejects.toMatchObject({ kind: "limited", retryAfterMs: 10_000 });
    expect(membershipIn(welcome)).toBe("join");
    await answer(both);
    expect(membershipIn(slow)).toBe("join");
  });
});

describe("who waits for it", () => {
  test("is told which invitations are answered, also while others cannot be, and none is answered again", async () => {
    const [slow, welcome] = [invitedBy(anna), invitedBy(anna)];
    t.homeserver.fail("join", matrixError("unreachable"), 1, ({ args: [roomId] }) => roomId === slow);
    const both = [slow, welcome].map((roomId) => ({ roomId, accept: true }));
    const first = effectContext<LetInto | Answered>();
    await expect(answer(both, { context: first })).rejects.toMatchObject({ kind: "unreachable" });
    expect(first.emitted).toEqual([{ type: "ANSWERED", rooms: [welcome] }]);
    // Somebody takes it out again meanwhile: that was no invitation.
    t.homeserver.setMember(welcome, t.userId, "leave", anna);
    const second = effectContext<LetInto | Answered>({ restarted: true, checkpointed: first.checkpoints.at(-1) });
    await answer(both, { context: second });
    expect(second.emitted).toEqual([{ type: "ANSWERED", rooms: [slow] }]);
    expect([slow, welcome].map(membershipIn)).toEqual(["join", "leave"]);
  });
});

describe("what was said since an invitation that a look has found", () => {
  const heardBy = async (invited: readonly Invitation[], pushes: boolean) => {
    const context = effectContext<LetInto | Answered>();
    await answer(invited, { pushes, context });
    return context.emitted.filter((event) => event.type === "LET_IN");
  };
  const say = (roomId: string, body: string) => {
    const mentions = { "m.mentions": { user_ids: [t.userId] } };
    return t.homeserver.post(roomId, { sender: anna, content: { msgtype: "m.text", body, ...mentions } }).eventId;
  };

  test("is heard where the homeserver pushes, and nothing of what was said before", async () => {
    const roomId = t.homeserver.makeRoom(anna);
    say(roomId, "before it came");
    t.homeserver.setMember(roomId, t.userId, "invite", anna);
    const eventId = say(roomId, "are you there?");
    const heard = await heardBy([{ roomId, accept: true }], true);
    expect(heard).toMatchObject([{ type: "LET_IN", heard: [{ kind: "question", roomId, question: { eventId } }] }]);
    expect(heard[0]?.heard).toHaveLength(1);
  });

  test("is heard in one room although the invitation into another cannot be answered", async () => {
    const [slow, open] = [invitedBy(anna), invitedBy(anna)];
    say(open, "hello");
    t.homeserver.fail("join", matrixError("unreachable"), 1, ({ args: [roomId] }) => roomId === slow);
    const context = effectContext<LetInto | Answered>();
    const invited = [slow, open].map((roomId) => ({ roomId, accept: true }));
    await expect(answer(invited, { pushes: true, context })).rejects.toMatchObject({ kind: "unreachable" });
    expect(context.emitted[0]).toMatchObject({ type: "LET_IN", heard: [{ kind: "question", roomId: open }] });
  });

  test("is left to the next sync where the agent polls, and is nothing where it declines", async () => {
    const roomId = invitedBy(anna);
    say(roomId, "are you there?");
    expect(await heardBy([{ roomId, accept: true }], false)).toEqual([]);
    expect(await heardBy([{ roomId: invitedBy("@mallory:test"), accept: false }], true)).toEqual([]);
  });

  test("is not heard where the room keeps it to itself, which keeps no other from being heard", async () => {
    const closed = invitedBy(anna);
    const open = invitedBy(anna);
    say(open, "hello");
    t.homeserver.fail("messages", matrixError("forbidden"), 1, ({ args: [roomId] }) => roomId === closed);
    const invited = [closed, open].map((roomId) => ({ roomId, accept: true }));
    expect(await heardBy(invited, true)).toMatchObject([{ heard: [{ kind: "question", roomId: open }] }]);
  });
});
