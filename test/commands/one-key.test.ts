import { beforeEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { KeyTaken } from "../../src/commands/messages/naming.ts";
import { HostStopped } from "../../src/runtime/host.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { type TwoAgents, twoAgents } from "./two-agents.ts";

const picture = { name: "map.png", type: "image/png", base64: Buffer.from("a picture").toString("base64") };
const key = "k";

let agents: TwoAgents;
let event: string;

/** Each call is another request. */
let requests = 0;
async function ask(name: string, input: object): Promise<Record<string, unknown>> {
  const command = bindCommands(agents.context).find((one) => one.name === name);
  const principal = { name: "scout", tokenId: "1", agentId: "agent-1", scopes: new Set(scopes) };
  const call = { principal, requestId: `request-${++requests}`, signal: new AbortController().signal };
  return Object(await agents.settled(command?.execute(input, call) ?? Promise.reject(new Error("no such command"))));
}

const events = (room: string) => agents.place.homeserver.room(room).events;

beforeEach(async () => {
  agents = await twoAgents();
  event = agents.place.say("Good morning").eventId;
});

describe("under a key that was used in the room", () => {
  const sent = { text: "Good morning to you", mentions: ["@anna:test", "@bob:test"] };

  test.each([
    ["messages.send", () => ({ text: "Good evening" })],
    ["messages.send", () => ({ text: sent.text })],
    ["messages.reply", () => ({ text: sent.text, event })],
    ["messages.react", () => ({ event, sign: "👍" })],
    ["messages.edit", () => ({ event, text: sent.text })],
    ["messages.redact", () => ({ event })],
    ["media.send", () => picture],
  ])("%s of something else is refused, and nothing is done", async (name, given) => {
    const room = agents.place.roomId;
    const first = await ask("messages.send", { room, key, ...sent });
    const before = events(room);
    await expect(ask(name, { room, key, ...given() })).rejects.toThrow(KeyTaken);
    expect(events(room)).toEqual(before);
    expect(agents.place.homeserver.count("upload")).toBe(0);
    expect(await ask("messages.send", { mentions: sent.mentions, text: sent.text, key, room })).toEqual(first);
  });

  test("another file is refused, and the same one is shown once", async () => {
    const room = agents.place.roomId;
    const first = await ask("media.send", { room, key, ...picture });
    const other = { ...picture, base64: Buffer.from("another picture").toString("base64") };
    await expect(ask("media.send", { room, key, ...other })).rejects.toThrow(KeyTaken);
    expect(await ask("media.send", { room, key, ...picture })).toEqual(first);
    expect(agents.place.homeserver.count("upload")).toBe(1);
  });

  test("a file that was accepted is not told as failed when the store can be read no more", async () => {
    const { host } = agents.context;
    let isClosed = false;
    const closing: typeof host = {
      ...host,
      accept: async (...given) => {
        await host.accept(...given);
        isClosed = true;
      },
      read(id) {
        if (isClosed) throw new HostStopped("it ends");
        return host.read(id);
      },
    };
    agents = { ...agents, context: { ...agents.context, host: closing } };
    expect(await ask("media.send", { room: agents.place.roomId, key, ...picture })).toMatchObject({ state: "done" });
  });

  test("another agent is not asked, and the asking one waits for no answer", async () => {
    const room = agents.ownRoom;
    agents.place.homeserver.setMember(room, "@agent_1:test", "join");
    await ask("messages.send", { room, key, text: "What is the weather?" });
    agents.answering("agent-1", 0);
    await expect(ask("agents.message", { to: "Sage", key, text: "What is the weather?" })).rejects.toThrow(KeyTaken);
    expect(agents.told).toEqual([]);
  });
});

describe("a room", () => {
  const talk = { name: "Talk", topic: "What comes next", invite: ["@anna:test"], key };
  const rooms = () => [...agents.place.homeserver.rooms.keys()];
  const create = (given: object = talk) => ask("rooms.create", given);

  test("is made once under one key, and given to all that ask for it, also at the same moment", async () => {
    const before = rooms();
    const both = await Promise.all([create(), create()]);
    both.push(await create());
    const [room] = rooms().filter((one) => !before.includes(one));
    expect(both).toEqual([{ room }, { room }, { room }]);
    expect(rooms()).toHaveLength(before.length + 1);
  });

  test.each(["taken", "refused"] as const)(
    "is given to who comes late, while it is being made and nobody may look into it (%s)",
    async (kind) => {
      const { homeserver } = agents.place;
      const made: string[] = [];
      homeserver.fail("createRoom", matrixError(kind), 1, ({ args: [request] }) => {
        made.push(homeserver.makeRoom("@agent_1:test", { aliasLocalpart: String(Object(request).aliasLocalpart) }));
        return true;
      });
      homeserver.fail("state", matrixError("forbidden"));
      expect(await create()).toEqual({ room: made[0] });
    },
  );

  test("of another name is refused under the same key, and none is made", async () => {
    await create();
    const before = rooms();
    await expect(create({ ...talk, name: "Another talk" })).rejects.toThrow(KeyTaken);
    expect(rooms()).toEqual(before);
  });

  test("that somebody keeps from being made is not given", async () => {
    agents.place.homeserver.fail("createRoom", matrixError("refused"));
    await expect(create()).rejects.toMatchObject({ kind: "refused" });
  });
});
