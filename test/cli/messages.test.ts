import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { controlHandlers } from "../../src/cli/control-handlers.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { type TwoAgents, twoAgents } from "../commands/two-agents.ts";
import { cliEnvironment } from "./cli-environment.ts";
import { printing } from "./printed.ts";

let folder: string;
let town: TwoAgents;
let control: ControlServer;
/** Of Scout. */
let room: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "messages-"));
  town = await twoAgents();
  room = town.place.roomId;
  const context = { ...town.context, answers: { wait: async () => ({ outcome: "answer" as const, text: "Fine." }) } };
  control = new ControlServer({
    path: controlSocketIn(join(folder, "data")),
    handlers: controlHandlers(bindCommands(context)),
  });
  await control.start();
});

afterEach(async () => {
  await control.stop();
  await rm(folder, { recursive: true });
});

async function cli(...args: readonly string[]) {
  const { printed, console } = printing();
  const code = await runCli([...args, "--data", join(folder, "data")], cliEnvironment({ console }));
  return { code, ...printed };
}

const events = () => town.place.homeserver.room(room).events.filter(({ type }) => type === "m.room.message");

describe("messages", () => {
  test("are said as an agent, once under one key, and listed with the newest last", async () => {
    const say = (text: string, key: string) => cli("messages", "send", room, text, "--agent", "Scout", "--key", key);
    const first = await say("one", "k");
    expect(first).toEqual({ code: exitCode.ok, out: `said ${events()[0]?.eventId}\n`, err: "" });
    expect(await say("one", "k")).toEqual(first);
    await say("two\u001b[2J", "l");
    const { out } = await cli("messages", "list", room, "-a", "Scout");
    expect(out.split("\n").map((line) => line.split(/ {2,}/).slice(1))).toEqual([
      ["FROM", "TEXT"],
      ["@agent_1:test", "one"],
      ["@agent_1:test", "two [2J"],
      [],
    ]);
    const { messages } = JSON.parse((await cli("messages", "list", room, "-a", "Scout", "-n", "1", "--json")).out);
    expect(messages).toMatchObject([{ sender: "@agent_1:test" }]);
  });

  test("are answered, if that is waited for", async () => {
    const ask = ["messages", "send", town.ownRoom, "How are you?", "-a", "Scout"];
    await town.place.homeserver
      .as(town.place.homeserver.sessionOf("@agent_2:test"))
      .invite(town.ownRoom, "@agent_1:test", new AbortController().signal);
    await town.place.homeserver
      .as(town.place.homeserver.sessionOf("@agent_1:test"))
      .join(town.ownRoom, new AbortController().signal);
    const { code, out } = await cli(...ask, "--wait", "5");
    expect([code, out]).toEqual([exitCode.ok, expect.stringMatching(/^said \$\S+\n\nSage:\nFine\.\n$/)]);
  });

  test("are found by their words", async () => {
    await cli("messages", "send", room, "the walrus left", "--agent", "Scout");
    const { out } = await cli("messages", "search", "walrus", "--agent", "Scout");
    expect(out).toMatch(new RegExp(`^AT .*\\n.*${room} +@agent_1:test +the walrus left\\n$`));
    expect((await cli("messages", "search", "heron", "--agent", "Scout")).out).toBe("Nothing was found.\n");
  });

  test("that cannot be said are refused with what to do", async () => {
    const { code, err } = await cli("messages", "send", "nowhere", "x");
    expect([code, err]).toEqual([exitCode.failed, expect.stringContaining("must be a room id")]);
    expect((await cli("messages", "send", room, "x", "--wait", "soon")).code).toBe(exitCode.usage);
  });
});

describe("files", () => {
  test("are shown as what their names say, and written where they are wanted, over nothing", async () => {
    const map = join(folder, "map.PNG");
    await writeFile(map, "a picture");
    const { code, out } = await cli("files", "send", room, map, "--agent", "Scout", "--caption", "Here");
    expect(code).toBe(exitCode.ok);
    expect(events().at(-1)?.content).toMatchObject({ msgtype: "m.image", filename: "map.PNG", body: "Here" });
    const [address = ""] = /mxc:\S+/.exec(out) ?? [];
    const copy = join(folder, "copy.png");
    const get = ["files", "get", address, "--out", copy, "--agent", "Scout"];
    expect((await cli(...get)).out).toBe(`wrote ${copy}: 9 bytes, image/png\n`);
    expect(await readFile(copy, "utf8")).toBe("a picture");
    const again = await cli(...get);
    expect([again.code, again.err]).toEqual([exitCode.failed, expect.stringContaining("exists already")]);
  });

  test("that are not there, or too large, are refused before anything is sent", async () => {
    const large = join(folder, "large.bin");
    await writeFile(large, Buffer.alloc(1024 * 1024 + 1));
    for (const file of [large, join(folder, "none")]) {
      const { code, err } = await cli("files", "send", room, file, "--agent", "Scout");
      expect([code, err]).toEqual([exitCode.failed, expect.stringMatching(/at most|no such file/)]);
    }
    expect(town.place.homeserver.count("upload")).toBe(0);
  });
});
