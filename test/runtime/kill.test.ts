import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CourierProcess } from "./kill/process.ts";
import { courierId } from "./laws/courier.ts";
import { Random } from "./laws/random.ts";
import { runs } from "./runs.ts";

const couriers = ["ann", "bob", "cat"].map(courierId);
const parcelsPerLife = 12;

describe("a process that is killed with SIGKILL at any moment", () => {
  let folder: string;
  let current: CourierProcess | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "letta-matrix-kill-"));
  });
  afterEach(async () => {
    await current?.kill();
    await rm(folder, { recursive: true });
  });

  const delays = [
    { delay: 0, kills: runs(4), seed: 1 },
    { delay: 40, kills: runs(4), seed: 2 },
  ];
  it.each(delays)(
    "loses nothing and doubles nothing, with $delay ms more for a commit",
    { timeout: 600_000 },
    async (setup) => {
      const random = new Random(setup.seed);
      const outside = join(folder, "outside");
      const sent = new Map<string, { readonly to: string; readonly n: number }>();
      const acknowledged = new Set<string>();
      let resent = 0;

      const start = async (): Promise<CourierProcess> => {
        const started = await CourierProcess.start(join(folder, "store"), outside, setup.delay, (id) =>
          acknowledged.add(id),
        );
        current = started;
        for (const [id, parcel] of sent)
          if (!acknowledged.has(id)) {
            resent++;
            started.tell({ do: "accept", id, ...parcel });
          }
        return started;
      };

      for (let life = 0; life < setup.kills; life++) {
        const running = await start();
        for (let parcel = 0; parcel < parcelsPerLife; parcel++) {
          if (random.chance(30)) await pause(random.below(20));
          const n = sent.size;
          const to = couriers[random.below(couriers.length)] ?? courierId("ann");
          const id = `parcel ${n}`;
          sent.set(id, { to, n });
          running.tell({ do: "accept", id, to, n });
          if (random.chance(30)) running.tell({ do: "accept", id, to, n });
        }
        // The first time at once: the last parcel cannot have been acknowledged.
        if (life > 0 && random.chance(60)) await pause(random.below(60 + 4 * setup.delay));
        await running.kill();
      }

      const last = await start();
      await expect
        .poll(() => last.state(), { timeout: 60_000, interval: 50 })
        .toSatisfy(
          (state: Awaited<ReturnType<typeof last.state>>) =>
            acknowledged.size === sent.size &&
            state.lines.length >= sent.size &&
            state.couriers.every(([, , value]) => value.round === "home"),
        );
      const { couriers: found, lines } = await last.state();
      await last.stop();
      current = undefined;

      const done = (await readFile(outside, "utf8")).trimEnd().split("\n");
      const first = [...new Set(done)];
      for (const [id, taken] of found) {
        const expected = [...sent.values()].filter(({ to }) => to === id).map(({ n }) => n);
        expect(taken).toEqual(expected);
        const named = (what: string) => expected.map((n) => `${what}${id} ${n}`);
        expect(lines.filter((line) => line.startsWith(`${id} `))).toEqual(named(""));
        for (const what of ["deliver ", "receipt "])
          expect(first.filter((line) => line.startsWith(`${what}${id} `))).toEqual(named(what));
      }
      expect(lines).toHaveLength(sent.size);
      // A repeat has the name of the first, so whoever is outside knows it. It takes a kill: of each courier's lane, at most
      // what was under way and what was done since the last commit.
      const receipts = done.filter((line) => line.startsWith("receipt"));
      const repeated = receipts.length - new Set(receipts).size;
      expect(repeated).toBeLessThanOrEqual(setup.kills * couriers.length * 3);
      console.log(
        `${setup.kills} kills, commits slowed by ${setup.delay} ms: ${sent.size} parcels, ${resent} sent again unacknowledged, ` +
          `${done.length - first.length} effects repeated under the same name, ${repeated} of them receipts`,
      );
      expect(resent).toBeGreaterThan(0);
      expect(done.length).toBeGreaterThan(first.length);
    },
  );
});
