import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Violation } from "./laws.ts";
import { type LettaKind, lettaKinds } from "./lettas.ts";
import { type KillCounts, Plan } from "./plan.ts";
import { Run, toolFile } from "./run.ts";
import { storyOf } from "./story.ts";
import { resendsIn, Tally } from "./tally.ts";
import { startWorld, type World } from "./world.ts";

/**
 * `node test/crash/main.ts [--kills N | --seconds S] [--seed S] [--letta real|stand-in]`: kills letta-matrix N times
 * (default 100) and Letta, Synapse and all three 0.3 N times each, or as many of that as the time allows, and judges
 * what people see. A fifth of it is done on the real Letta, unless one is named; the rest on its fast stand-in.
 */

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    letta: { type: "string" },
  },
});
const seed = numberOf("seed", values.seed) ?? randomInt(1, 1_000_000);
const seconds = numberOf("seconds", values.seconds);
const kills = numberOf("kills", values.kills) ?? 100;
const began = performance.now();
const agents = 5;
const prefix = "m";
/** A run with so many failed rounds tells nothing new any more. */
const mostFailures = 5;
/** The rounds' own end, the last judgement and the servers' stop, s. */
const neededAtTheEnd = 20;

/** A stretch of the run on servers of its own. */
interface Part {
  readonly letta: LettaKind;
  /** Of the whole run. */
  readonly share: number;
  /** When it has to end, as a share of the whole time. */
  readonly endsAt: number;
}

process.exitCode = (await crash()) ? 0 : 1;

async function crash(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), "letta-matrix-crash-"));
  const tally = new Tally();
  const asNamed = values.letta === undefined ? "" : ` --letta ${values.letta}`;
  say(`the same run again: node test/crash/main.ts --seed ${seed} --kills ${kills}${asNamed}`);
  for (const part of parts()) if (tally.failed < mostFailures) await play(part, join(dir, part.letta), tally);
  say(`\n${tally.table()}\n`);
  say(`${tally.kills} kills in ${elapsed()} s`);
  const missed = tally.missed();
  if (missed.length > 0) {
    tally.judge(false);
    say(`never hit: ${missed.join("; ")}`);
  }
  if (tally.failed === 0) await rm(dir, { recursive: true, force: true });
  else say(`the servers' data and logs are in ${dir}`);
  say(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0;
}

async function play(part: Part, dir: string, tally: Tally): Promise<void> {
  const began = elapsed();
  const before = tally.kills;
  let run: Run | undefined;
  let world: World | undefined;
  try {
    world = await startWorld(dir, part.letta);
    const plan = new Plan({ seed, prefix, agents, people: world.people.length, toolFile });
    run = await Run.begin({ world, plan, prefix, agents });
    for (const round of plan.rounds(counts(part))) {
      if (tally.failed >= mostFailures) say(`stopped after ${mostFailures} failed rounds`);
      if (tally.failed >= mostFailures || timeIsUp(part)) break;
      const result = await run.round(round);
      tally.add(result);
      const where = result.hits.map(({ boundary }) => boundary).join(", ");
      say(`${elapsed()} s  ${result.kind} killed at ${where}: ${result.violations.length === 0 ? "fine" : "BROKEN"}`);
      for (const line of await explain(result.violations, run)) say(line);
    }
    const atLast = await run.end();
    tally.judge(atLast.length === 0);
    for (const line of await explain(atLast, run)) say(line);
    const { messages } = await run.evidence();
    const resends = resendsIn(await world.homeserver.requests());
    say(
      `with the ${part.letta} Letta: ${tally.kills - before} kills in ${elapsed() - began} s, ${messages.length} messages`,
    );
    say(`${resends} resends that the homeserver knew by their transaction id`);
  } catch (error) {
    tally.judge(false);
    say(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await run?.close();
    await world?.stop();
  }
}

function parts(): readonly Part[] {
  const named = lettaKinds.find((kind) => kind === values.letta);
  if (named !== undefined) return [{ letta: named, share: 1, endsAt: 1 }];
  if (values.letta !== undefined)
    throw new Error(`--letta must be one of ${lettaKinds.join(", ")}, not "${values.letta}"`);
  return [
    { letta: "real", share: 0.2, endsAt: 0.3 },
    { letta: "stand-in", share: 0.8, endsAt: 1 },
  ];
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

function counts({ share }: Part): KillCounts {
  const own = Math.ceil(kills * share);
  const others = Math.ceil(kills * share * 0.3);
  return { "letta-matrix": own, letta: others, synapse: others, all: others };
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
