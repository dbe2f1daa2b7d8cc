import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Known, measureKnown, type Talk } from "./known.ts";
import { measureProvisioning } from "./provisioned.ts";
import { Report, seconds, tookText } from "./report.ts";

/**
 * `node test/scale/main.ts [--agents N] [--homeserver stand-in|synapse] [--made N] [--without-messages]`: what one process
 * takes that knows so many agents (default: 10,000) as an application service, and whether each is heard.
 *
 * On the stand-in homeserver the program makes some agents itself (default: 20), which are then multiplied; on Synapse it
 * makes all, is killed half way, and goes on.
 */
const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "10000" },
    made: { type: "string", default: "20" },
    homeserver: { type: "string", default: "stand-in" },
    "without-messages": { type: "boolean", default: false },
  },
});
const agents = numberOf("agents", values.agents);
const made = Math.min(agents, numberOf("made", values.made));
/** The program's own poll, a ping, and what both bring. */
const requestsOfNobody = 5;
const report = new Report();
const dir = await mkdtemp(join(tmpdir(), "scale-"));
const say = (line: string): void => report.say(`${new Date().toISOString().slice(11, 19)} ${line}`);

try {
  if (values.homeserver === "synapse") await provision();
  else if (values.homeserver === "stand-in") await know();
  else throw new Error(`--homeserver must be stand-in or synapse, not "${values.homeserver}"`);
} catch (error) {
  report.claim("the run came to its end", false, error instanceof Error ? error.stack : String(error));
}
if (report.failed === 0) await rm(dir, { recursive: true, force: true });
else report.say(`the servers' data and logs are in ${dir}`);
report.say(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;

async function know(): Promise<void> {
  const known = await measureKnown({ dir, agents, made, talks: !values["without-messages"], say });
  const { start, ready, looks, again, idle, few, fewAgents, quiet, status, discovery, talk } = known;
  report.say(`\n${agents} agents known to one process`);
  report.figure("start, until each is ready", tookText(start));
  report.figure("all look back at what was said meanwhile", tookText(looks));
  report.figure("  once more, when something is pushed after that", tookText(again));
  report.figure("heap", `${idle.heap.toFixed(1)} MB, ${perAgent(known)} KB for each idle agent`);
  report.figure("RSS", `${idle.rss.toFixed(0)} MB, of which ${few.rss.toFixed(0)} MB with ${fewAgents} agents`);
  report.figure(`${seconds(quiet.ms)} in which nothing is said`, `${quiet.requests} requests, ${tookText(quiet)}`);
  report.figure("timers of the process", `${idle.timers}, with ${fewAgents} agents ${few.timers}`);
  report.figure("status", `${tookText(status)}, ${(status.bytes / 1_048_576).toFixed(1)} MB`);
  report.figure("discovery", tookText(discovery));
  if (talk !== undefined) tellOf(talk);
  report.claim("each agent is ready", ready === agents, String(ready));
  report.claim("one listing has all of them", discovery.listed === agents, String(discovery.listed));
  report.claim("idle agents make no requests", quiet.requests <= requestsOfNobody, String(quiet.requests));
  report.claim("idle agents have no timers", idle.timers <= few.timers + 2, String(idle.timers));
  if (talk !== undefined)
    report.claim("each message has just one final answer", talk.notOnce === 0, `${talk.notOnce} of ${talk.messages}`);
}

function tellOf({ messages, idle, status, ...took }: Talk): void {
  report.figure("a message to each, answered", tookText(took));
  const each = { ms: took.ms / messages, program: took.program / messages, homeserver: took.homeserver / messages };
  report.figure(
    "  of which for each",
    `${each.program.toFixed(1)} ms CPU, the homeserver's ${each.homeserver.toFixed(1)}`,
  );
  report.figure("  heap and RSS after that", `${idle.heap.toFixed(1)} MB, ${idle.rss.toFixed(0)} MB`);
  report.figure("  status after that", tookText(status));
}

function perAgent({ idle, few, agents: all, fewAgents }: Known): string {
  return (((idle.heap - few.heap) * 1_024) / Math.max(1, all - fewAgents)).toFixed(2);
}

async function provision(): Promise<void> {
  const { killedAt, rooms, users, wantedRooms, told, ...took } = await measureProvisioning({ dir, agents, say });
  report.say(`\n${agents} agents made on a real Synapse, in two processes`);
  report.figure("until each is ready", tookText(took));
  report.figure(
    "  of which for each",
    `${seconds(took.ms / agents)}, Synapse ${(took.homeserver / agents).toFixed(0)} ms CPU`,
  );
  report.claim("the first process was killed half way", killedAt < agents, `with ${killedAt} ready`);
  report.claim("no room was made twice", rooms === wantedRooms, `${rooms} of ${wantedRooms}`);
  report.claim("no user was made twice", users === agents, `${users} of ${agents}`);
  report.claim("status has told how far it was", told.length > 2, `${told.length} times`);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!(Number.isInteger(number) && number > 0))
    throw new Error(`--${name} must be a whole number above 0, not "${text}"`);
  return number;
}
