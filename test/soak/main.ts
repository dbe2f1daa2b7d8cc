import { randomInt } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Random } from "../crash/random.ts";
import { Neighbourhood } from "../neighbours/neighbourhood.ts";
import { freePort } from "../servers/free-port.ts";
import { readProcess, sizeOf } from "./gauge.ts";
import { judgeSlopes, type Sample } from "./slopes.ts";
import { Trouble } from "./trouble.ts";

/**
 * `node test/soak/main.ts [--minutes N] [--seed S] [--agents N] [--rate R]`: people talk to agents (default: 100, with 4
 * messages a second) on stand-ins of the servers, while requests are spoilt and the program, the homeserver and Letta
 * are killed. Every minute it prints what the program's process holds on to; in the end, whether any of that grows, and
 * whether each message has its one answer.
 *
 * A kill begins a process anew, so two slopes are taken by least squares, from what was read every five seconds after a
 * garbage collection: of all that was read when its process was older than five minutes, each process at a height of its
 * own; and of the first value of each process that was older than 90 seconds. The store outlives kills: its slope is taken over all, by message.
 * A slope passes when it is at most its bound, and its doubt, two standard errors, is too.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "15" },
    seed: { type: "string", default: String(randomInt(1, 1_000_000)) },
    agents: { type: "string", default: "100" },
    rate: { type: "string", default: "4" },
  },
});
const minutes = numberOf("minutes", values.minutes);
const seed = numberOf("seed", values.seed);
const agents = numberOf("agents", values.agents);
const rate = numberOf("rate", values.rate);
const readEvery = 5_000;
/** How long the first process is let live, to see what grows within one, ms. */
const firstLife = 0.6 * minutes * 60_000;
/** Then as many as there is time for, to see what one leaves to the next: at least and at most, ms. */
const lives = [120_000, 200_000] as const;
/** What was under way when the last fault happened may have to time out twice, ms. */
const within = 180_000;
const headings = [
  "minute",
  "life",
  "age s",
  "messages",
  "faults",
  "kills",
  "heap MB",
  "RSS MB",
  "handles",
  "timers",
  "store MB",
];
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

process.exitCode = (await soak()) ? 0 : 1;

async function soak(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), "letta-matrix-soak-"));
  const inspector = await freePort();
  const env = { NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}` };
  const names = Array.from({ length: agents }, (_, index) => `s${index + 1}`);
  say(`${agents} agents, ${minutes} minutes, seed ${seed}`);
  const street = await Neighbourhood.begin({ dir, names, env, within });
  let passed = 0;
  let failed = 0;
  const judge = (isFine: boolean): void => {
    if (isFine) passed++;
    else failed++;
  };
  try {
    const samples = await live(street, names, { inspector, env, store: join(dir, "app", "data", "store") });
    await writeFile(join(dir, "samples.json"), JSON.stringify(samples));
    const { broken, took } = await street.seen(names);
    say(`\n${street.sent} messages, ${took.length} finals`);
    for (const { law, nonce = "-", detail } of broken) say(`  ${law}: ${nonce}: ${detail}`);
    judge(broken.length === 0);
    say("");
    for (const { bound, perUnit, doubt, verdict } of judgeSlopes(samples)) {
      const measured = `${perUnit.toFixed(2)} ± ${doubt.toFixed(2)} ${bound.unit}`;
      say(`${bound.name.padEnd(24)}${measured.padEnd(34)}at most ${bound.most}: ${verdict}`);
      judge(verdict === "does not grow");
    }
  } catch (error) {
    failed++;
    say(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await street.close();
  }
  if (failed === 0) await rm(dir, { recursive: true, force: true });
  else say(`the servers' data and logs are in ${dir}`);
  say(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

interface Measured {
  readonly inspector: number;
  readonly env: Readonly<Record<string, string>>;
  /** The store's folder. */
  readonly store: string;
}

/** What the program held on to while people talked and things broke. */
async function live(street: Neighbourhood, names: readonly string[], measured: Measured): Promise<readonly Sample[]> {
  const { inspector, env, store } = measured;
  const random = new Random(seed);
  const [talk, trouble] = [random.fork(), random.fork()];
  const over = new AbortController();
  const { signal } = over;
  const began = performance.now();
  const samples: Sample[] = [];
  let life = 1;
  let bornAt = began;
  const making = new Trouble({
    street,
    random: trouble,
    firstLife,
    life: lives,
    signal,
    async revive() {
      life++;
      await street.app.start(env);
      bornAt = performance.now();
    },
  });
  const talking = async (): Promise<void> => {
    const said: Promise<void>[] = [];
    while (!signal.aborted) {
      said.push(street.ask([talk.pick(names)], directivesOf(talk)));
      await pause(1_000 / rate, signal);
    }
    await Promise.all(said);
  };
  const reading = async (): Promise<void> => {
    let shown = 0;
    say(headings.map((heading) => heading.padStart(9)).join(""));
    while (!signal.aborted) {
      await pause(readEvery, signal);
      const of = life;
      const found = await readProcess(inspector).catch(() => undefined);
      // It was killed meanwhile.
      if (found === undefined || of !== life) continue;
      const now = performance.now();
      const [at, age] = [now - began, now - bornAt];
      const sample = { ...found, at, life, age, messages: street.sent, store: await sizeOf(store) };
      samples.push(sample);
      const minute = Math.floor(at / 60_000);
      if (minute > shown) say(rowOf(minute, sample, making));
      shown = minute;
    }
  };
  const ending = pause(minutes * 60_000, signal).then(() => over.abort());
  try {
    await Promise.all([ending, talking(), making.make(), reading()]);
  } finally {
    over.abort();
  }
  return samples;
}

function rowOf(minute: number, sample: Sample, { faults, kills }: Trouble): string {
  const { life, age, messages, heap, rss, fds, timers, store } = sample;
  const cells = [minute, life, Math.round(age / 1_000), messages, faults, kills, heap.toFixed(1), rss.toFixed(1)];
  return [...cells, fds, timers, store.toFixed(2)].map((cell) => String(cell).padStart(9)).join("");
}

function directivesOf(random: Random): string {
  return [
    random.chance(0.4) ? `[[delay=${random.int(20, 1_000)}]]` : "",
    random.chance(0.8) ? `[[tps=${random.int(20, 120)}]]` : "",
    random.chance(0.3) ? `[[words=${random.int(5, 60)}]]` : "",
  ].join("");
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return number;
}
