import { beforeEach, describe, expect, test } from "vitest";
import { deedMarker } from "../../src/actors/marker.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { KeyTaken, named } from "../../src/commands/messages/naming.ts";
import { type TwoAgents, twoAgents } from "./two-agents.ts";

/** A program that is bound to no agent: it speaks as Scout, as Sage, or as the bot. */
const principal = { name: "program", tokenId: "1", scopes: new Set(scopes) };
const key = "k";
const scout = "@agent_1:test";
const sage = "@agent_2:test";

let agents: TwoAgents;
beforeEach(async () => {
  agents = await twoAgents();
});

/** Each call is another request. */
let requests = 0;
async function ask(name: string, input: object): Promise<Record<string, unknown>> {
  const command = bindCommands(agents.context).find((one) => one.name === name);
  const call = { principal, requestId: `request-${++requests}`, signal: new AbortController().signal };
  return Object(await agents.settled(command?.execute(input, call) ?? Promise.reject(new Error("no such command"))));
}

describe("one key, by which several are to speak", () => {
  test("names what each of them says: each says it once", async () => {
    const room = agents.place.roomId;
    agents.place.homeserver.setMember(room, sage, "join");
    const say = (agent: string, text = "Good morning") => ask("messages.send", { room, text, agent, key });
    const first = [await say("Scout"), await say("Sage")];
    expect([await say("agent-1"), await say("Sage")]).toEqual(first);
    const { events } = agents.place.homeserver.room(room);
    const said = events.filter(({ content }) => content["body"] === "Good morning").map(({ sender }) => sender);
    expect(said).toEqual([scout, sage]);
    for (const agent of ["Scout", "Sage"]) await expect(say(agent, "Good evening")).rejects.toThrow(KeyTaken);
  });

  test("gives each a room of its own, and none to somebody who is not in it", async () => {
    const { homeserver } = agents.place;
    const create = (agent: string, name = "Talk") => ask("rooms.create", { name, agent, key });
    const made = [await create("Scout"), await create("Sage")];
    expect([await create("Scout"), await create("Sage")]).toEqual(made);
    const members = made.map(({ room }) => {
      const place = homeserver.room(String(room));
      return [scout, sage].map((user) => place.membershipOf(user));
    });
    expect(members).toEqual([
      ["join", undefined],
      [undefined, "join"],
    ]);
    await expect(create("Sage", "Another talk")).rejects.toThrow(KeyTaken);
  });

  test("finds the room that an earlier version has made under it, for whoever is in there", async () => {
    const { homeserver } = agents.place;
    const given = { name: "Talk", invite: [] };
    const wish = named({ principal, requestId: "r" }, key, { command: "rooms.create", given });
    const room = homeserver.makeRoom(scout, {
      name: "Talk",
      aliasLocalpart: `letta_room_${wish.key.replaceAll(/[^\w]/g, "").slice(0, 24).toLowerCase()}`,
      creationContent: { [deedMarker]: wish.deed },
    });
    expect(await ask("rooms.create", { name: "Talk", agent: "Scout", key })).toEqual({ room });
    expect(await ask("rooms.create", { name: "Talk", agent: "Sage", key })).not.toEqual({ room });
    await expect(ask("rooms.create", { name: "Another", agent: "Scout", key })).rejects.toThrow(KeyTaken);
  });
});
