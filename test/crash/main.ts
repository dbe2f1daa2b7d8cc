import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { homeserverKinds } from "./homeservers.ts";
import type { Violation } from "./laws.ts";
import { lettaKinds } from "./lettas.ts";
import { type KillCounts, Plan } from "./plan.ts";
import { Run, toolFile } from "./run.ts";
import { storyOf } from "./story.ts";
import { resendsIn, Tally } from "./tally.ts";
import { type ServerKinds, startWorld, type World } from "./world.ts";

/**
 * `node test/crash/main.ts [--kills N | --seconds S] [--seed S] [--letta L] [--homeserver H]`: kills letta-matrix N
 * times (default 100) and Letta, the homeserver and all three 0.3 N times each, or as many of that as the time allows,
 * and judges what people see. A part of it is done on the real servers, the most on fast stand-ins, unless they are
 * named: a Letta `real` or `stand-in`, a homeserver `real` or the stand-in of `synapse`, `tuwunel` or `dendrite`.
 */

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    letta: { type: "string" },
    homeserver: { type: "string" },
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
  readonly name: string;
  readonly kinds: ServerKinds;
  /** Of the whole run. */
  readonly share: number;
  /** When it has to end, as a share of the whole time. */
  readonly endsAt: number;
}

process.exitCode = (await crash()) ? 0 : 1;

async function crash(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), "letta-matrix-crash-"));
  const tally = new Tally();
  const named = ["letta", "homeserver"] as const;
  const asNamed = named.map((name) => (values[name] === undefined ? "" : ` --${name} ${values[name]}`)).join("");
  say(`the same run again: node test/crash/main.ts --seed ${seed} --kills ${kills}${asNamed}`);
  for (const part of parts()) if (tally.failed < mostFailures) await play(part, join(dir, part.name), tally);
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
    world = await startWorld(dir, part.kinds);
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
    say(`${part.name}: ${tally.kills - before} kills in ${elapsed() - began} s, ${messages.length} messages`);
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
  const letta = kindOf("letta", lettaKinds);
  const homeserver = kindOf("homeserver", homeserverKinds);
  if (letta !== undefined || homeserver !== undefined) {
    const kinds = { letta: letta ?? "stand-in", homeserver: homeserver ?? "real" };
    return [{ name: "as named", kinds, share: 1, endsAt: 1 }];
  }
  return [
    { name: "real servers", kinds: { letta: "real", homeserver: "real" }, share: 0.1, endsAt: 0.25 },
    { name: "real homeserver", kinds: { letta: "stand-in", homeserver: "real" }, share: 0.3, endsAt: 0.55 },
    { name: "stand-ins", kinds: { letta: "stand-in", homeserver: "synapse" }, share: 0.4, endsAt: 0.8 },
    { name: "stand-ins, tuwunel", kinds: { letta: "stand-in", homeserver: "tuwunel" }, share: 0.2, endsAt: 1 },
  ];
}

function kindOf<T extends string>(option: "letta" | "homeserver", kinds: readonly T[]): T | undefined {
  const given = values[option];
  const kind = kinds.find((one) => one === given);
  if (kind === undefined && given !== undefined)
    throw new Error(`--${option} must be one of ${kinds.join(", ")}, not "${given}"`);
  return kind;
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
