import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { addressOf } from "../../src/machines/addresses.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { openStore } from "../../src/runtime/embedded/open.ts";
import { idleConversation, questionNumber } from "./conversation-steps.ts";
import { type Figure, percentile } from "./figures.ts";

/** How long an event takes to be durable, at `actors` events at once, beside a bare fsynced put into LevelDB. */
export async function commitLatency(actors: number, events: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-bench-"));
  try {
    const own = await hostLatencies(join(folder, "host"), actors, events);
    const bare = await putLatencies(join(folder, "bare"), actors, events);
    return [0.5, 0.99].map((share) => ({
      name: `event accepted by one of ${actors} actors, p${share * 100}`,
      unit: "ms",
      value: percentile(own, share),
      baseline: { name: "fsynced put", value: percentile(bare, share) },
      moreIsBetter: false,
    }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function hostLatencies(folder: string, actors: number, events: number): Promise<number[]> {
  const { store, close } = await openStore(folder, (error) => {
    throw error;
  });
  const host = new EmbeddedHost({ store, clock: systemClock, jitterSeed: "bench", behaviours: [idleConversation()] });
  await host.start();
  const latencies = await concurrently(actors, events, (actor, n) =>
    host.accept(addressOf.conversation("bench", `agent-${actor}`, "!room:bench"), {
      type: "MESSAGE",
      question: questionNumber(n),
    }),
  );
  await host.drain(5_000);
  await close();
  return latencies;
}

async function putLatencies(folder: string, writers: number, events: number): Promise<number[]> {
  const level = new Level<string, string>(folder);
  await level.open();
  const value = JSON.stringify(questionNumber(0));
  const latencies = await concurrently(writers, events, (writer, n) =>
    level.put(`${writer}|${n}`, value, { sync: true }),
  );
  await level.close();
  return latencies;
}

/** Each of `workers` does its share of the events one after the other; gives the time of each, ms. */
async function concurrently(
  workers: number,
  events: number,
  work: (worker: number, n: number) => Promise<void>,
): Promise<number[]> {
  const latencies: number[] = [];
  const one = async (worker: number): Promise<void> => {
    for (let n = 0; n < events / workers; n++) {
      const begun = performance.now();
      await work(worker, n);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => one(worker)));
  return latencies;
}
