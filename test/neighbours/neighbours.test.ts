import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { httpFaults } from "../faults/http-faults.ts";
import { listening, transportOfRun } from "../servers/transports.ts";
import { type Defect, Neighbourhood } from "./neighbourhood.ts";

/** An agent's trouble stays that agent's trouble, and is visible. */

const transport = transportOfRun();
const healthy = Array.from({ length: 20 }, (_, index) => `h${index + 1}`);
const bad = ["crashing", "hopeless", "stuck", "forbidden", "revoked"] as const;
const waves = 4;
/** Messages that one which crashes on each can be given before it is quarantined: each crashes it three times. */
const borne = 3;
/** Between them, ms. */
const pause = 1_000;
/** An answer of half a second. */
const answering = "[[words=24]][[tps=60]]";

/** Crashes on each message; the other one, on the notice of what was lost, too. */
const crashes: Defect = {
  name: "crash-on-each-message",
  file: "machines/conversation/setup.ts",
  replacements: (idOf) => [
    [
      "queue: [...context.queue, questionOf(event)],",
      `queue: [...context.queue, questionOf(event)], ${throwingFor(idOf("crashing"), idOf("hopeless"))},`,
    ],
    [
      "queue: [...context.queue, { ...question, text",
      `${throwingFor(idOf("hopeless"))}, queue: [...context.queue, { ...question, text`,
    ],
  ],
};

function throwingFor(...agents: readonly string[]): string {
  return `...(${JSON.stringify(agents)}.includes(context.agentId) ? JSON.parse("unbearable") : {})`;
}

type Seen = Awaited<ReturnType<Neighbourhood["seen"]>>;

describe(`twenty agents, by ${transport}, beside one that crashes on each message, one with a stuck stream, one whose room is forbidden, and one with revoked credentials`, () => {
  let dir: string;
  let alone: Seen;
  let beside: Seen;
  let street: Neighbourhood;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "letta-matrix-neighbours-"));
    const quiet = await Neighbourhood.begin({ dir: join(dir, "alone"), names: healthy, transport });
    try {
      for (let wave = 0; wave < waves; wave++) {
        await quiet.ask(healthy, answering);
        await sleep(pause);
      }
      alone = await quiet.seen(healthy);
    } finally {
      await quiet.close();
    }
    street = await Neighbourhood.begin({
      dir: join(dir, "beside"),
      names: [...healthy, ...bad],
      defect: crashes,
      transport,
    });
    const { roomId } = street.resident("forbidden");
    street.proxy.set({ takes: ({ path }) => path.includes(`/rooms/${roomId}/`), fault: httpFaults["403"] });
    const revoked = encodeURIComponent(street.resident("revoked").userId);
    await street.admin.request("POST", `/_synapse/admin/v1/reset_password/${revoked}`, {
      new_password: "of somebody else",
      logout_devices: true,
    });
    for (let wave = 0; wave < waves; wave++) {
      await Promise.all([
        street.ask(healthy, answering),
        street.ask(["crashing", "hopeless", "forbidden", "revoked"], answering),
        street.ask(["stuck"], "[[words=24]][[stall=6]]"),
      ]);
      await sleep(pause);
    }
    beside = await street.seen(healthy);
  });

  afterAll(async () => {
    await street?.close();
    await rm(dir, { recursive: true, force: true });
  });

  test("give the answers that they give among themselves: the same ones, in the same order, one to each message", () => {
    process.stdout.write(`${timesOf(alone.took, beside.took)}\n`);
    expect(alone.broken).toEqual([]);
    expect(beside.broken).toEqual([]);
    expect(alone.answers).toHaveLength(healthy.length * waves);
    expect(beside.answers).toEqual(alone.answers);
  });

  test("what crashes one is a dead letter, with the crash that tells why, and who wrote it is told, before the next one crashes it", {
    timeout: 240_000,
  }, async () => {
    const endings = await vi.waitUntil(async () => {
      const all = await street.endings("crashing");
      return all.length >= borne && all;
    }, untilItIsGivenUp);
    expect(endings).toEqual(Array.from({ length: borne }, () => expect.objectContaining(toldWhy)));
    const { deadLetters, crashes: reports } = await street.detail("crashing");
    const [letter] = deadLetters;
    expect(letter).toMatchObject({ kind: "event", type: "MESSAGE" });
    const report = reports.find(({ id }) => id === letter?.crash);
    expect(report).toMatchObject({ stimulus: "MESSAGE", error: expect.stringContaining("JSON") });
  });

  test("one that cannot bear to hear of that either is in quarantine, and one that goes on crashing", {
    timeout: 240_000,
  }, async () => {
    const inQuarantine = expect.objectContaining({ machine: "conversation", health: "quarantined" });
    for (const name of ["hopeless", "crashing"])
      await vi.waitFor(
        async () => expect((await street.status(name)).troubles).toContainEqual(inQuarantine),
        untilItIsGivenUp,
      );
  });

  test("the one with the stuck stream is seen to be at its answer, with what waits behind it", async () => {
    const { conversations } = await street.status("stuck");
    expect(conversations).toEqual([expect.objectContaining({ answering: true, queued: waves - 1 })]);
  });

  test("the one whose room is forbidden says so, and what to look at", async () => {
    const { agents, conversations } = await street.status("forbidden");
    const wait = { reason: expect.stringContaining("M_FORBIDDEN"), remedy: expect.stringContaining("power level") };
    const answering = expect.objectContaining({ answering: true, wait: expect.objectContaining(wait) });
    // Who owes a look back at what was said is refused that, and then has no question yet.
    const looking = expect.objectContaining({ wait: expect.objectContaining({ ...wait, remedy: expect.any(String) }) });
    const owesLook = transport === "appservice" && conversations.length === 0;
    expect(owesLook ? agents : conversations).toEqual([owesLook ? looking : answering]);
  });

  // Who acts by an application service has no password and no session of its own: only its device can be taken from it.
  test.runIf(transport === "appservice")(
    "the one whose device was taken from it has it again, and answers",
    async () => {
      await vi.waitFor(async () => expect(await street.endings("revoked")).toHaveLength(waves), untilItShows);
      for (const { outcome } of await street.endings("revoked")) expect(outcome).toBe("answer");
    },
  );

  test.skipIf(transport === "appservice")(
    "the one whose credentials are not good any more is refused, and says why",
    async () => {
      const { agents } = await street.status("revoked");
      expect(agents).toMatchObject([
        { regions: { account: "refused" }, wait: { remedy: expect.stringContaining("instance secret") } },
      ]);
    },
  );

  test("none of the others shows any trouble", async () => {
    const well = healthy.map((name) => street.resident(name).agentId);
    const regions = { account: "online", intake: listening[transport] };
    // Where the homeserver pushes, each looks back for a moment now and then.
    await vi.waitFor(async () => {
      const { agents, troubles } = await street.app.status();
      for (const one of agents.filter(({ agentId }) => well.includes(agentId))) {
        expect(one).toMatchObject({ health: "running", regions });
        expect(one).not.toHaveProperty("wait");
      }
      expect(troubles.filter(({ actor }) => well.some((agentId) => actor.includes(agentId)))).toEqual([]);
    }, untilItShows);
  });

  test("a changed configuration that SIGHUP takes over lets them out of quarantine, and who still waits to be told is told", async () => {
    await street.app.configure({ ...street.app.config, discovery: { interval: "31s" } });
    expect(await street.app.reload()).toMatchObject({ level: "info", keys: ["discovery.interval"] });
    for (const name of ["hopeless", "crashing"]) {
      const notice = { kind: "released", actor: expect.stringContaining(street.resident(name).agentId) };
      await vi.waitFor(() => expect(street.app.log).toContainEqual(expect.objectContaining({ notice })), untilItShows);
    }
    const { troubles } = await street.status("hopeless");
    expect(troubles.filter(({ health }) => health === "quarantined")).toEqual([]);
    await vi.waitUntil(async () => (await street.endings("crashing")).length >= waves, untilItShows);
    const causes = new Set<string>();
    for (const ending of await street.endings("crashing")) {
      expect(ending).toMatchObject(toldWhy);
      causes.add(ending.cause);
    }
    expect(causes.size).toBe(waves);
    expect(await street.endings("crashing")).toHaveLength(waves);
  });
});

const untilItShows = { timeout: 60_000, interval: 500 };
/** The actor waits longer from crash to crash, up to a minute. */
const untilItIsGivenUp = { timeout: 200_000, interval: 1_000 };
const toldWhy = { outcome: "error", body: expect.stringContaining("put it in other words") };

function timesOf(alone: readonly number[], beside: readonly number[]): string {
  const rows = [50, 95].map((percent) => {
    const [one, other] = [alone, beside].map((times) => quantile(times, percent / 100));
    return `p${percent}: ${one} ms alone, ${other} ms beside the bad ones, ratio ${((other ?? 0) / (one ?? 1)).toFixed(2)}`;
  });
  return ["from a message to its final answer:", ...rows].join("\n");
}

function quantile(times: readonly number[], share: number): number {
  return times.toSorted((one, other) => one - other)[Math.ceil(times.length * share) - 1] ?? Number.NaN;
}
