import { expect, it } from "vitest";
import { readAnswer } from "../../servers/model-plan.ts";
import { answerTo, draftOf, saidBy } from "../answers.ts";
import { messageOf, replacedBy } from "../room-event.ts";
import type { World } from "../world.ts";

/** What a person sees of an agent that was just created in Letta. */
export function newcomer(world: () => World): void {
  it("a new agent has a room of its own in the space, with the right name, and invites people to both", async () => {
    const { anna, bert, stack } = world();
    const server = stack.synapse.serverName;
    const scout = await world().agent("Scout One");
    const { roomId, userId } = scout;

    const spaceId = await anna.until("an invitation to the space", () => anna.invitedBy(`@letta-matrix:${server}`));
    if (anna.events(spaceId).length === 0) await anna.join(spaceId);
    await bert.until("Bert's invitation to the room", () => bert.inviter(roomId));
    await bert.until("Bert's invitation to the space", () => bert.inviter(spaceId));

    expect(await anna.state(roomId, "m.room.name")).toEqual({ name: "Scout One - Letta Agent Chat" });
    expect(await anna.state(roomId, "m.room.topic")).toMatchObject({ topic: expect.stringContaining("Scout One") });
    expect(await anna.state(roomId, "m.room.join_rules")).toMatchObject({ join_rule: "invite" });
    expect(await anna.state(roomId, "m.room.history_visibility")).toEqual({ history_visibility: "shared" });
    expect(await anna.state(roomId, "m.room.guest_access")).toEqual({ guest_access: "forbidden" });
    expect(await anna.state(roomId, "m.room.member", userId)).toMatchObject({
      membership: "join",
      displayname: "Scout One",
    });
    expect(await anna.state(spaceId, "m.room.name")).toEqual({ name: "Letta Agents" });
    expect(await anna.state(spaceId, "m.room.create")).toMatchObject({ type: "m.space" });
    expect(await anna.state(spaceId, "m.room.join_rules")).toMatchObject({ join_rule: "invite" });
    expect(await anna.state(spaceId, "m.space.child", roomId)).toMatchObject({ via: [server] });
    expect(await anna.state(roomId, "m.space.parent", spaceId)).toEqual({ via: [server], canonical: true });
  });

  it("the answer to a message grows in place, rings once, and is the agent's own", async () => {
    const { anna } = world();
    const agent = await world().agent("Grower");
    const { questionId, nonce, end } = await world().askForLong(agent, "Tell me much.");
    await draftOf(anna, agent, questionId);
    await anna.until("the agent's typing", () => anna.sawTyping(agent.roomId, agent.userId) || undefined);
    end();
    const { finals, drafts, outcome } = await answerTo(anna, agent, questionId);

    expect(outcome).toBe("answer");
    expect(finals).toHaveLength(1);
    const [final] = finals;
    const [draft] = drafts;
    if (final === undefined || draft === undefined) throw new Error("there was no draft, or no answer");
    expect(new Set([...drafts, final].map(({ sender }) => sender))).toEqual(new Set([agent.userId]));

    expect(draft.content).toMatchObject({ msgtype: "m.notice", "m.mentions": {} });
    expect(draft.content["m.mentions"]).toEqual({});
    expect(messageOf(draft)?.["m.relates_to"]).toEqual({ "m.in_reply_to": { event_id: questionId } });
    for (const edit of drafts.slice(1)) {
      expect(replacedBy(edit)).toBe(draft.eventId);
      expect(edit.content["m.mentions"]).toEqual({});
      expect(edit.content["m.new_content"]).toMatchObject({ msgtype: "m.notice", "m.mentions": {} });
    }

    expect(final.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id: draft.eventId });
    const whole = {
      msgtype: "m.text",
      "m.mentions": { user_ids: [anna.userId] },
      "io.letta_matrix.turn": {
        cause: questionId,
        attempt: 1,
        part: 1,
        parts: 1,
        final: true,
        outcome: "answer",
        hops: 0,
      },
    };
    expect(final.content).toMatchObject({ ...whole, "m.new_content": whole });

    const [message, ...others] = saidBy(anna, agent);
    expect(others).toEqual([]);
    expect(message).toMatchObject({ eventId: draft.eventId, msgtype: "m.text", inReplyTo: questionId });
    expect(readAnswer(message?.body ?? "")).toEqual({ nonce, secretWord: agent.secretWord });
    expect(message?.body).toMatch(/ w1 .*The end\.$/);

    await anna.until("the agent's read receipt", () => anna.sawReading(questionId, agent.userId) || undefined);
  });
}
