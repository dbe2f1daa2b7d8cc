import { expect, it, vi } from "vitest";
import { z } from "zod";
import { listening, type TransportKind } from "../../servers/transports.ts";
import { answerTo } from "../answers.ts";
import type { Person } from "../person.ts";
import type { World } from "../world.ts";

const created = z.object({ room_id: z.string() });

/** Agents as guests in other people's rooms. */
export function guests(world: () => World, transport: TransportKind): void {
  /** A room of this person's, into which the agent is invited. */
  async function roomOf(person: Person, guest: string): Promise<string> {
    const request = { preset: "private_chat", invite: [guest] };
    return created.parse(await person.request("POST", "/createRoom", request)).room_id;
  }

  async function becomes(person: Person, roomId: string, guest: string, membership: string): Promise<void> {
    await vi.waitFor(
      async () => expect(await person.state(roomId, "m.room.member", guest)).toMatchObject({ membership }),
      { timeout: 60_000, interval: 200 },
    );
  }

  it("an agent comes when one of its people invites it, and answers there when it is mentioned", async () => {
    const { anna } = world();
    const agent = await world().agent("Guest");
    const roomId = await roomOf(anna, agent.userId);
    await becomes(anna, roomId, agent.userId, "join");
    const mention = { "m.mentions": { user_ids: [agent.userId] } };
    const { questionId } = await world().ask({ ...agent, roomId }, "Do you like it here?", mention);
    expect(await answerTo(anna, { ...agent, roomId }, questionId)).toMatchObject({ outcome: "answer" });
  });

  it("an agent declines when somebody else invites it, and its own room is as before", async () => {
    const { anna, admin, app } = world();
    const agent = await world().agent("Shy");
    const roomId = await roomOf(admin, agent.userId);
    await becomes(admin, roomId, agent.userId, "leave");
    const { questionId } = await world().ask(agent, "Are you at home?");
    expect(await answerTo(anna, agent, questionId)).toMatchObject({ outcome: "answer" });
    const status = (await app.status()).agents.find(({ userId }) => userId === agent.userId);
    expect(status?.regions).toMatchObject({ room: "ready", intake: listening[transport] });
  });

  it("an agent comes when another agent invites it", async () => {
    const [host, guest] = [await world().agent("Host"), await world().agent("Colleague")];
    const { anna } = world();
    const roomId = await roomOf(anna, host.userId);
    await becomes(anna, roomId, host.userId, "join");
    const asHost = await world().as(host.userId);
    await asHost.request("POST", `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: guest.userId });
    await becomes(anna, roomId, guest.userId, "join");
  });
}
