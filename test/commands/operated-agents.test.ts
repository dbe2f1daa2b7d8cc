import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { NotServed } from "../../src/commands/supervision/reprovision.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { remarks } from "../../src/machines/wording.ts";
import { eventually } from "../e2e/eventually.ts";
import { configName, Town } from "../formats/town.ts";
import { temporaryFolder } from "../runtime/temporary-folder.ts";
import { unused } from "./untroubled.ts";

/** What an operator has an agent do, on the whole program with servers in memory. */

let running: Town | undefined;
afterEach(() => running?.app.stop());

async function started(folder?: string, before?: Town): Promise<{ town: Town; folder: string }> {
  const place = folder ?? (await temporaryFolder("operated"));
  if (folder === undefined)
    await copyFile(join(import.meta.dirname, "../formats", configName), join(place, configName));
  running = await Town.in(place, before);
  await running.app.start();
  return { town: running, folder: place };
}

function operate(town: Town, command: string, input: object): Promise<unknown> {
  const { host } = town.app;
  const clock = { now: () => Date.now() };
  const adoption = { adopt: () => Promise.reject(new Error("nothing is adopted here")) };
  const bound = bindCommands({ ...unused, host, clock, adoption, server: town.homeserver.serverName });
  const call = {
    principal: { name: "operator", scopes: new Set(scopes) },
    requestId: "r",
    signal: new AbortController().signal,
  };
  const one = bound.find(({ name }) => name === command);
  if (one === undefined) throw new Error(`there is no command ${command}`);
  return one.execute(input, call);
}

/** How often a notice of this text stands in the room. */
function noticesIn(town: Town, room: string, text: string): number {
  return town.homeserver.room(room).events.filter(({ content }) => content["body"] === text).length;
}

const enough = 20_000;

describe("a paused agent", { timeout: 60_000 }, () => {
  test("keeps what is said, says so once, asks nothing, also over a restart, and then answers each once", async () => {
    const { town, folder } = await started();
    const room = await town.roomOf("agent-ann");
    expect(await operate(town, "agents.pause", { agent: "Ann", reason: "too dear" })).toEqual({
      agentId: "agent-ann",
      name: "Ann",
      state: "paused",
    });
    const asked = [town.say(room, "One?"), town.say(room, "Two?")];
    await eventually("a word about it", () => noticesIn(town, room, remarks.paused) > 0 || undefined, enough);
    expect(await operate(town, "agent", { agent: "Ann" })).toMatchObject({
      agent: { regions: { service: "paused" }, paused: { reason: "too dear" } },
      conversations: [{ state: "paused.waiting", wait: { reason: "the agent is paused" } }],
    });
    // The other one is not concerned.
    const other = town.say(await town.roomOf("agent-bob"), "And you?");
    await eventually("Bob's answer", () => town.answered().includes(other) || undefined, enough);
    await town.app.stop();

    const { town: later } = await started(folder, town);
    asked.push(later.say(await later.roomOf("agent-ann"), "Three?"));
    await eventually(
      "the third to wait, too",
      async () => JSON.stringify(await operate(later, "rooms", {})).includes('"queued":3') || undefined,
      enough,
    );
    expect(later.letta.asked).toHaveLength(1);
    expect(noticesIn(later, room, remarks.paused)).toBe(1);

    expect(await operate(later, "agents.resume", { agent: "Ann" })).toMatchObject({ state: "serving" });
    await eventually("all answers", () => later.answered().length === 4 || undefined, enough);
    expect(later.answered().toSorted()).toEqual([...asked, other].toSorted());
    expect(later.letta.asked).toHaveLength(4);
    const { agent } = Object(await operate(later, "agent", { agent: "Ann" }));
    expect([agent.regions.service, agent.paused]).toEqual(["serving", undefined]);
    // Again is no different.
    await operate(later, "agents.resume", { agent: "Ann" });
  });
});

describe("an agent that is restarted", { timeout: 60_000 }, () => {
  test("follows the turn that was under way, and answers once", async () => {
    const { town } = await started();
    const room = await town.roomOf("agent-ann");
    town.letta.turns = [[{ type: "accepted" }, () => new Promise(() => undefined)]];
    town.letta.fates = [{ state: "running" }, { state: "answered", text: "because" }];
    const asked = town.say(room, "Why?");
    await eventually("the turn to begin", () => town.letta.asked.length === 1 || undefined, enough);
    const { actors } = Object(await operate(town, "agents.restart", { agent: "Ann" }));
    expect(actors).toHaveLength(2);
    await eventually("the answer", () => town.answered().includes(asked) || undefined, enough);
    expect([town.answered(), town.letta.asked.length]).toEqual([[asked], 1]);
    // It hears what is said from then on.
    const next = town.say(room, "And?");
    await eventually("the next answer", () => town.answered().includes(next) || undefined, enough);
  });
});

describe("an agent that is provisioned anew", { timeout: 60_000 }, () => {
  test("puts right what others have spoilt, and makes nothing twice", async () => {
    const { town } = await started();
    const room = await town.roomOf("agent-ann");
    const userId = town.homeserver.room(room).events[0]?.sender ?? "";
    const rooms = town.homeserver.rooms.size;
    const { displayName } = town.homeserver.profiles.get(userId) ?? {};
    town.homeserver.showProfile(userId, { displayName: "Somebody else" });
    expect(await operate(town, "agents.reprovision", { agent: "Ann" })).toMatchObject({ agentId: "agent-ann" });
    const isBack = () => town.homeserver.profiles.get(userId)?.displayName === displayName || undefined;
    await eventually("its name to be right", isBack, enough);
    await town.roomOf("agent-ann");
    expect(town.homeserver.rooms.size).toBe(rooms);
  });

  test("must be served", async () => {
    const { town } = await started();
    await town.roomOf("agent-ann");
    await town.app.host.accept(addressOf.agent("test", "agent-ann"), { type: "DISABLED" });
    await expect(operate(town, "agents.reprovision", { agent: "Ann" })).rejects.toThrow(NotServed);
  });
});
