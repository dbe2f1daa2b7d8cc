import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { registerUser } from "../servers/matrix-users.ts";
import { type Household, startHousehold } from "./household.ts";
import { Person } from "./person.ts";

const roomAnswer = z.object({ room_id: z.string() });
const levels = z.looseObject({ users: z.record(z.string(), z.number()) });

interface Old {
  readonly agent_id: string;
  readonly agent_name: string;
  readonly matrix_user_id: string;
  readonly matrix_password: string;
  readonly room_id: string;
  readonly room_created: boolean;
}

describe("taking over another system's agents on a real Synapse", { timeout: 120_000 }, () => {
  let house: Household;
  let anna: Person;
  /** Its agent made the room itself. */
  let scout: Old;
  /** A person made its room. */
  let rover: Old;
  let mapping: string;

  beforeAll(async () => {
    house = await startHousehold({ people: ["anna"] });
    const [first] = house.people;
    if (first === undefined) throw new Error("there is no Anna");
    anna = first;
    scout = await inherit("agent-scout", "Scout", "its agent");
    rover = await inherit("agent-rover", "Rover", "Anna");
    const stray = { ...(await inherit("agent-stray", "Stray", "its agent")), room_id: rover.room_id };
    house.letta.agents = [scout, rover].map(({ agent_id: id, agent_name: name }) => ({ id, name }));
    mapping = await written({ scout, rover });
    await written([stray], "stray.json");
  }, 300_000);
  afterAll(() => house?.close(), 60_000);

  /** A user with a password of its own and an old-style room: no mark of ours, and talk that was answered long ago. */
  async function inherit(agentId: string, name: string, maker: "its agent" | "Anna"): Promise<Old> {
    const localpart = house.userIdOf(agentId).slice(1).split(":")[0] ?? "";
    const password = `old-password-of-${name}`;
    const { userId, accessToken } = await registerUser(house.synapse, localpart, { password });
    const agent = new Person({ baseUrl: house.synapse.baseUrl, userId, accessToken });
    const [creator, guest] = maker === "Anna" ? [anna, agent] : [agent, anna];
    const request = { preset: "private_chat", name: `${name} - Letta Agent Chat`, invite: [guest.userId] };
    const { room_id: roomId } = roomAnswer.parse(await creator.request("POST", "/createRoom", request));
    await guest.request("POST", `/join/${encodeURIComponent(roomId)}`, {});
    if (maker === "Anna") {
      const path = `/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels`;
      const { users, ...others } = levels.parse(await anna.request("GET", path));
      await anna.request("PUT", path, { ...others, users: { ...users, [userId]: 100 } });
    }
    await anna.say(roomId, "an old question");
    await agent.say(roomId, "an old answer");
    await anna.say(roomId, "an old question that was never answered");
    return {
      agent_id: agentId,
      agent_name: name,
      matrix_user_id: userId,
      matrix_password: password,
      room_id: roomId,
      room_created: true,
    };
  }

  async function written(content: unknown, name = "agent_user_mappings.json"): Promise<string> {
    const file = join(house.dir, name);
    await writeFile(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  }

  async function events(): Promise<readonly string[]> {
    const rooms = [await anna.history(scout.room_id), await anna.history(rover.room_id)];
    return rooms.flat().map(({ eventId }) => eventId);
  }

  it("a trial says for each agent what would be done, and nobody sees anything of it", async () => {
    const before = await events();
    const { code, out, err } = await house.command("adopt", "--mapping", mapping, "--dry-run");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(
      /^Scout \(agent-scout\): would keep @agent_scout:localhost and its password; mark !.*alias #agent_/m,
    );
    expect(out).toMatch(/^Rover \(agent-rover\): would keep/m);
    expect(out).toContain("2 of 2 would be adopted; nothing was changed");
    expect(await events()).toEqual(before);
    expect(out).not.toContain("old-password");
    const agent = await house.as(scout.matrix_user_id);
    await expect(agent.request("GET", "/directory/room/%23agent_scout%3Alocalhost")).rejects.toThrow("404");
    // The one of its old system: the look at it left none.
    expect(
      z.object({ devices: z.array(z.unknown()) }).parse(await agent.request("GET", "/devices")).devices,
    ).toHaveLength(1);
  });

  it("a room that the agent's user is not in is refused with a reason, and the others are not hindered", async () => {
    const { code, out } = await house.command("adopt", "--mapping", join(house.dir, "stray.json"));
    expect(code).toBe(1);
    expect(out).toMatch(/^Stray \(agent-stray\): refused: @agent_stray:localhost is not in !/m);
    expect(out).toContain("0 of 1 adopted, 1 refused");
  });

  it("agents go on in their old rooms with their old passwords, and answer what is said from then on", async () => {
    const { code, out, err } = await house.command("adopt", "--mapping", mapping);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("2 of 2 adopted");
    await house.start();
    expect(await house.ready(scout.agent_id)).toBe(scout.room_id);
    expect(await house.ready(rover.agent_id)).toBe(rover.room_id);
    const questions = await Promise.all([scout, rover].map(({ room_id: room }) => anna.say(room, "a new question")));
    for (const [index, { room_id: room, matrix_user_id: agent }] of [scout, rover].entries())
      await anna.until("an answer", () => anna.events(room).find((event) => isAnswer(event, agent, questions[index])));
    expect(house.letta.asked.map(({ text }) => text.includes("a new question"))).toEqual([true, true]);
    for (const { matrix_user_id: user, matrix_password: password } of [scout, rover])
      await (await Person.logIn(house.synapse.baseUrl, user, password)).close();
    const requests = await house.synapse.requests();
    const madeBy = (user: string) =>
      requests.filter((one) => one.user === user && one.path.endsWith("/createRoom") && one.status === 200).length;
    expect([madeBy(scout.matrix_user_id), madeBy(rover.matrix_user_id)]).toEqual([1, 0]);
  });

  it("a second time, with the program running, there is nothing to do", async () => {
    for (const { room_id: room } of [scout, rover])
      for (const name of ["admin", "letta"])
        await anna.until(`${name} in ${room}`, () =>
          anna.events(room).find(({ sender, type }) => sender === house.idOf(name) && type === "m.room.member"),
        );
    const before = await events();
    const { code, out, err } = await house.command("adopt", "--mapping", mapping);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.match(/is adopted already: nothing to do/g)).toHaveLength(2);
    expect(await events()).toEqual(before);
  });
});

function isAnswer(event: { sender: string; content: unknown }, agent: string, question: string | undefined): boolean {
  return event.sender === agent && JSON.stringify(event.content).includes(`"cause":"${question}"`);
}
