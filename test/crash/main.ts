import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Violation } from "./laws.ts";
import { commandOf, type Part, partsOf } from "./parts.ts";
import { Plan, type Round } from "./plan.ts";
import { Run, toolFile } from "./run.ts";
import { storyOf } from "./story.ts";
import { resendsIn, Tally } from "./tally.ts";
import { startWorld, type World } from "./world.ts";

/**
 * `node test/crash/main.ts [--kills N] [--seconds S] [--least N] [--seed S] [--letta L] [--homeserver H]
 * [--transport T]`: kills
 * letta-matrix, Letta, the homeserver and all three, N times together (default 200), or as often as the time allows, but no
 * fewer than the least, and judges what people see. A part is done on the real servers, the most on fast
 * stand-ins, unless they are named: a Letta `stand-in` or `real`, a homeserver `real` or the stand-in of `synapse`,
 * `tuwunel` or `dendrite`. The transport, `client-server` or `appservice`, goes by turns of the seed where all is mixed.
 */

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    seconds: { type: "string" },
    least: { type: "string" },
    seed: { type: "string" },
    letta: { type: "string" },
    homeserver: { type: "string" },
    transport: { type: "string" },
  },
});
const seed = numberOf("seed", values.seed) ?? randomInt(1, 1_000_000);
const seconds = numberOf("seconds", values.seconds);
const kills = numberOf("kills", values.kills) ?? 200;
const least = numberOf("least", values.least) ?? 1;
const began = performance.now();
const agents = 5;
const prefix = "m";
/** A run with so many failed rounds tells nothing new any more. */
const mostFailures = 5;
/** The rounds' own end, the last judgement and the servers' stop, s. */
const neededAtTheEnd = 20;

process.exitCode = (await crash()) ? 0 : 1;

async function crash(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), "letta-matrix-crash-"));
  const tally = new Tally("asked");
  const { letta, homeserver, transport } = values;
  for (const [index, part] of partsOf({ seed, kills, least, letta, homeserver, transport }).entries()) {
    if (tally.failed >= mostFailures) break;
    say(`\n${part.name}: ${commandOf(part)}`);
    await play(part, join(dir, `${index + 1}`), tally);
  }
  say(`\n${tally.table()}\n`);
  say(`${tally.kills} kills in ${elapsed()} s; ${tally.powerCuts} of them cut the power of letta-matrix's disk`);
  if (tally.kills < least) {
    tally.judge(false);
    say(`that is less than ${least}`);
  }
  if (tally.failed === 0) await rm(dir, { recursive: true, force: true });
  else say(`the servers' data and logs are in ${dir}`);
  say(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0;
}

async function play(part: Part, dir: string, whole: Tally): Promise<void> {
  const began = elapsed();
  const { tools } = part;
  const tally = new Tally(tools);
  let run: Run | undefined;
  let world: World | undefined;
  try {
    world = await startWorld(dir, part.kinds);
    const plan = new Plan({ seed: part.seed, prefix, agents, people: world.people.length, tools, toolFile });
    run = await Run.begin({ world, plan, prefix, agents, tools });
    for (const round of plan.rounds(part.counts)) {
      if (tally.failed >= mostFailures) say(`stopped after ${mostFailures} failed rounds`);
      if (tally.failed >= mostFailures || (tally.kills >= part.least && timeIsUp(part))) break;
      await carryOut(round, run, tally);
    }
    // What waits for a boundary waits for a time: on a busy machine it may have been too short once.
    for (const { kind, boundary } of tally.missed()) await carryOut(plan.round(kind, [boundary]), run, tally);
    const atLast = await run.end();
    tally.judge(atLast.length === 0);
    for (const line of await explain(atLast, run)) say(line);
    const missed = tally.missed();
    tally.judge(missed.length === 0);
    const names = missed.map(({ kind, boundary }) => `${boundary} by ${kind}`);
    if (missed.length > 0) say(`never hit: ${names.join("; ")}: BROKEN`);
    const { messages } = await run.evidence();
    const resends = resendsIn(await world.homeserver.requests());
    say(`${tally.kills} kills in ${elapsed() - began} s, ${messages.length} messages`);
    say(`${resends} resends that the homeserver knew by their transaction id`);
  } catch (error) {
    tally.judge(false);
    say(`the run broke off: BROKEN\n${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await run?.close();
    await world?.stop();
    whole.include(tally);
  }
}

async function carryOut(round: Round, run: Run, tally: Tally): Promise<void> {
  const result = await run.round(round);
  tally.add(result);
  const where = result.hits.map(({ boundary }) => boundary).join(", ");
  say(`${elapsed()} s  ${result.kind} killed at ${where}: ${result.violations.length === 0 ? "fine" : "BROKEN"}`);
  for (const line of await explain(result.violations, run)) say(line);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function explain(violations: readonly Violation[], run: Run): Promise<string[]> {
  if (violations.length === 0) return [];
  const evidence = await run.evidence();
  return violations.flatMap(({ law, eventId, roomId, nonce, detail }) => [
    `  ${law}: message ${nonce ?? "-"} (${eventId}) in ${roomId}: ${detail}`,
    ...storyOf(eventId, evidence).map((line) => `    ${line}`),
  ]);
}

function timeIsUp({ endsAt }: Part): boolean {
  return seconds !== undefined && elapsed() > seconds * endsAt - neededAtTheEnd;
}

function elapsed(): number {
  return Math.round((performance.now() - began) / 1000);
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number) || number < 1) throw new Error(`--${name} must be a number from 1 on, not "${text}"`);
  return number;
}
