import { expect, it, vi } from "vitest";
import { z } from "zod";
import { registerUser } from "../../servers/matrix-users.ts";
import { answerTo } from "../answers.ts";
import { Person } from "../person.ts";
import type { World } from "../world.ts";

const created = z.object({ room_id: z.string() });

/** What an operator changes while it runs. */
export function reload(world: () => World): void {
  it("SIGHUP lets a further person invite agents; what only a restart changes is refused, and nothing stops", async () => {
    const { anna, app, stack } = world();
    const agent = await world().agent("Reconfigured");
    const { baseUrl } = stack.synapse;
    const carla = new Person({ baseUrl, ...(await registerUser(stack.synapse, "carla")) });
    const before = app.config;

    await app.configure({ ...before, invitations: { people: [carla.userId] }, space: { alias: "elsewhere" } });
    const refused = await app.reload();
    expect(refused).toMatchObject({
      level: "error",
      live: ["invitations.people"],
      restart: [{ key: "space.alias", why: "the space is found by it" }],
    });
    await app.configure({ ...before, invitations: { people: [carla.userId] } });
    expect(await app.reload()).toMatchObject({ level: "info", keys: ["invitations.people"] });

    const request = { preset: "private_chat", invite: [agent.userId] };
    const { room_id: roomId } = created.parse(await carla.request("POST", "/createRoom", request));
    await vi.waitFor(
      async () =>
        expect(await carla.state(roomId, "m.room.member", agent.userId)).toMatchObject({ membership: "join" }),
      { timeout: 60_000, interval: 200 },
    );
    const { questionId } = await world().ask(agent, "Are you still there?");
    expect((await answerTo(anna, agent, questionId)).outcome).toBe("answer");
  });
}
