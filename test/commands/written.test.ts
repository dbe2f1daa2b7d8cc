import { beforeEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import { bind } from "../../src/commands/command.ts";
import { messagesEdit, messagesSend } from "../../src/commands/messages/sending.ts";
import { WrittenByOther } from "../../src/commands/messages/written.ts";
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
