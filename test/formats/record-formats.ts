import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf, agentUserId } from "../../src/machines/addresses.ts";
import { eventually } from "../e2e/eventually.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { save } from "./fixture.ts";
import { fixtures, fixturesFolder, formatsNow, newestFormats, unrecorded } from "./formats.ts";
import { configName, Town } from "./town.ts";

/**
 * `npm run formats`: keeps what the present version writes as one more fixture, unless the newest one holds it already.
 * `--unreleased` writes the newest one anew.
 */

const newest = fixtures().at(-1);
const problem = unrecorded(formatsNow, newestFormats());
const mayReplace = process.argv.includes("--unreleased");
if (problem === undefined && !mayReplace) console.log("the newest fixture holds what is written now");
else await record(newest !== undefined && mayReplace ? newest : (newest ?? 0) + 1);

async function record(number: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-formats-"));
  const fixture = join(fixturesFolder, String(number));
  try {
    await cp(join(import.meta.dirname, configName), join(folder, configName));
    const town = await Town.in(folder);
    await live(town);
    await rm(fixture, { recursive: true, force: true });
    await save(folder, town.homeserver, fixture);
    await writeFile(join(fixture, "formats.json"), `${JSON.stringify(formatsNow, null, 2)}\n`);
    console.log(`written: ${fixture}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Leaves behind something of each kind: answers under way, questions that wait, what crashed, what is to be done later. */
async function live(town: Town): Promise<void> {
  const { app, homeserver, letta } = town;
  const server = homeserver.serverName;
  const unfinished = Promise.withResolvers<never>();
  await app.start();
  const [ann, bob] = [await town.roomOf("agent-ann"), await town.roomOf("agent-bob")];
  for (const room of [ann, bob]) homeserver.setMember(room, "@eve:test", "join");

  const first = town.say(ann, "What is the time?");
  await eventually("the first answer", async () => (town.answered().includes(first) ? true : undefined));
  // The next is being answered when the process ends, and one waits behind it.
  letta.turns = [[{ type: "accepted" }, { type: "text", messageId: "m", delta: "It is " }, () => unfinished.promise]];
  town.say(ann, "And now?");
  await eventually("the draft", async () =>
    Object(app.host.read(addressOf.conversation(server, "agent-ann", ann))?.context["current"]).draft === undefined
      ? undefined
      : true,
  );
  town.say(ann, "Are you there?");

  const answeredByBob = town.say(bob, "Hello");
  await eventually("Bob's answer", async () => (town.answered().includes(answeredByBob) ? true : undefined));
  // What is to be said there as long as the homeserver does not take it.
  homeserver.fail("send", matrixError("unreachable"), Number.POSITIVE_INFINITY, ({ args }) => args[0] === bob);
  const errand = { key: "errand", what: { kind: "message", text: "A word by a program" } };
  const outbox = addressOf.outbox(server, agentUserId(server, "agent-bob"), bob);
  await app.host.accept(outbox, { type: "SEND", errand }, { id: errand.key });
  const talk = addressOf.conversation(server, "agent-bob", bob);
  await app.host.accept(talk, { type: "CUT", gap: "s0" }, { id: "unsaid" });
  // No chart of ours sends what another chart cannot take: this one is from nowhere.
  const poison = { type: "APPROVE" };
  await app.host.accept(talk, poison, { id: "poison 1" });
  await eventually("a dead letter", async () => ((await app.host.deadLetters.list()).length > 0 ? true : undefined));
  await eventually("Bob to be back", async () => (app.host.health(talk).state === "running" ? true : undefined));
  await app.host.accept(talk, poison, { id: "poison 2" });
  // Held, as the actor has just crashed.
  await app.host.accept(talk, { type: "CUT", gap: "s1" }, { id: "held" });
  await app.stop();
  unfinished.reject(new Error("nobody waits for the end any more"));
}
