import { beforeEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import { bind, type CommandContext } from "../../src/commands/command.ts";
import { NotDone } from "../../src/commands/messages/errand.ts";
import {
  messagesEdit,
  messagesReact,
  messagesRedact,
  messagesReply,
  messagesSend,
} from "../../src/commands/messages/sending.ts";
import { NoSuchMessage, WrittenByOther } from "../../src/commands/messages/written.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { type TwoAgents, twoAgents } from "./two-agents.ts";

let agents: TwoAgents;
beforeEach(async () => {
  agents = await twoAgents();
});

let requests = 0;
const call = () => ({
  principal: { name: "program", tokenId: "1", scopes: new Set(scopes) },
  requestId: `request-${++requests}`,
  signal: new AbortController().signal,
});

function edit(event: string) {
  const given = { room: agents.place.roomId, event, text: "Better", agent: "Scout" };
  return agents.settled(bind(messagesEdit, agents.context).execute(given, call()));
}

const edits = () =>
  agents.place.homeserver.room(agents.place.roomId).events.filter(({ content }) => content["m.new_content"]);

/** What is about a message. */
const abouts = {
  reply: (given: object, context = agents.context) =>
    bind(messagesReply, context).execute({ text: "Yes", ...given }, call()),
  sign: (given: object, context = agents.context) =>
    bind(messagesReact, context).execute({ sign: "👍", ...given }, call()),
  edit: (given: object, context = agents.context) =>
    bind(messagesEdit, context).execute({ text: "No", ...given }, call()),
  redaction: (given: object, context = agents.context) => bind(messagesRedact, context).execute(given, call()),
};

/** Whom the homeserver tells of no message. */
function blind(): CommandContext {
  const { context } = agents;
  const as: typeof context.sessions.as = (userId) => {
    const client = context.sessions.as(userId);
    return Object.assign(Object.create(client), {
      at: () => ({ ...client, event: async () => undefined, joinedRooms: client.joinedRooms.bind(client) }),
    });
  };
  return { ...context, sessions: { as } };
}

describe.each(["reply", "sign", "edit", "redaction"] as const)("a %s", (kind) => {
  const about = (event: string, given: object = {}, context = agents.context) =>
    agents.settled(abouts[kind]({ room: agents.place.roomId, agent: "Scout", event, ...given }, context));

  test("about no message of the room is refused, and nothing is done", async () => {
    const { homeserver, roomId } = agents.place;
    const before = homeserver.room(roomId).events;
    const elsewhere = homeserver.post(agents.ownRoom, { sender: "@anna:test" }).eventId;
    for (const event of ["$none", elsewhere]) await expect(about(event)).rejects.toThrow(NoSuchMessage);
    expect(homeserver.room(roomId).events).toEqual(before);
  });

  test("that was asked for before is told as done, also where its message is not to be found any more", async () => {
    const { homeserver, roomId } = agents.place;
    const { eventId } = homeserver.post(roomId, { sender: "@agent_1:test" });
    const first = await about(eventId, { key: "k" });
    expect(first).toMatchObject({ state: "done" });
    expect(await about(eventId, { key: "k" }, blind())).toEqual(first);
  });

  test("is not refused to who is not in the room yet, and is told of nothing in there", async () => {
    const { homeserver, roomId } = agents.place;
    const { eventId } = homeserver.post(roomId, { sender: "@agent_2:test" });
    await expect(about(eventId, { agent: "Sage" }, blind())).rejects.toThrow(NotDone);
    homeserver.setMember(roomId, "@agent_2:test", "join");
    await expect(about(eventId, { agent: "Sage" }, blind())).rejects.toThrow(NoSuchMessage);
  });
});

describe("an edit", () => {
  test("of a message that somebody else has written is refused, since all clients ignore it", async () => {
    await expect(edit(agents.place.say("Good morning").eventId)).rejects.toThrow(WrittenByOther);
    expect(edits()).toEqual([]);
  });

  test("of one's own message is done", async () => {
    const given = { room: agents.place.roomId, text: "Good", agent: "Scout" };
    const { events } = messagesSend.output.parse(
      await agents.settled(bind(messagesSend, agents.context).execute(given, call())),
    );
    expect(await edit(events[0] ?? "")).toMatchObject({ state: "done" });
    expect(edits()).toHaveLength(1);
  });

  test.each(["unreachable", "forbidden", "missing"] as const)(
    "of a message that cannot be looked at is not lost (%s)",
    async (kind) => {
      const { eventId } = agents.place.say("Good morning");
      agents.place.homeserver.fail("event", matrixError(kind));
      expect(await edit(eventId)).toMatchObject({ state: "done" });
    },
  );

  test("is accepted also where the homeserver hangs, or the agent is not logged in", async () => {
    const { context } = agents;
    const { eventId } = agents.place.say("Good morning");
    const hanging: typeof context.sessions = {
      as: (userId) => {
        const client = context.sessions.as(userId);
        const waits: typeof client.event = (_, __, signal) =>
          new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        return Object.assign(Object.create(client), {
          at: () => Object.assign(Object.create(client), { event: waits }),
        });
      },
    };
    const away: typeof context.sessions = {
      as: () => {
        throw matrixError("token");
      },
    };
    for (const sessions of [hanging, away]) {
      const given = { room: agents.place.roomId, event: eventId, text: "Better", agent: "Scout" };
      const answer = bind(messagesEdit, { ...context, sessions }).execute(given, call());
      // Real time passes until it is given up.
      let isOver = false;
      void answer.finally(() => {
        isOver = true;
      });
      while (!isOver) {
        await agents.place.clock.pass(100);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(await answer).toMatchObject({ state: "done" });
    }
  });
});
