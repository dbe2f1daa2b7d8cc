import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Boundary, KillKind } from "./boundaries.ts";
import type { Evidence } from "./evidence.ts";
import { killAndRestart } from "./killer.ts";
import { judge, type Violation } from "./laws.ts";
import { Ledger } from "./ledger.ts";
import type { Plan, Round, Stop } from "./plan.ts";
import { Product } from "./product.ts";
import { createNewcomers, moveIn } from "./settle-in.ts";
import { Talk } from "./talk.ts";
import { viewOf } from "./timeline.ts";
import type { Hit } from "./victim-process.ts";
import { productSource, type World } from "./world.ts";

export interface RunOptions {
  readonly world: World;
  readonly plan: Plan;
  /** Begins the names of the run's agents. */
  readonly prefix: string;
  readonly agents: number;
  /** Where the product's source is. Default: as it stands. */
  readonly source?: string;
  /** Before each write to the product's store, ms. Default: 0. */
  readonly slowCommits?: number;
  /** How long a round that comes to rest may go without getting through with another message, ms. */
  readonly restWithin?: number;
}

export interface RoundResult {
  readonly kind: KillKind;
  readonly hits: readonly { readonly boundary: Boundary; readonly eventId: string | undefined }[];
  /** What was broken that no earlier round had shown. */
  readonly violations: readonly Violation[];
}

/** Where agents' tools note that they ran, in the folder in which Letta runs them. */
export const toolFile = "tool-runs";

const nudgeEvery = 3_000;
const mostNudges = 6;

/** People talk to agents while things are killed, and everything that can be seen from outside is judged. */
export class Run {
  readonly #options: RunOptions;
  readonly #ledger: Ledger;
  readonly #talk: Talk;
  readonly #product: Product;
  /** Requests in Synapse's log when everything had been set up. */
  readonly #setUpRequests: number;
  readonly #readTo = new Map<string, string>();
  readonly #shown = new Set<string>();
  /** Messages that something was wrong with: nobody waits for them any more. */
  readonly #givenUp = new Set<string>();
  #arms = 0;

  private constructor(options: RunOptions, ledger: Ledger, product: Product, setUpRequests: number) {
    this.#options = options;
    this.#ledger = ledger;
    this.#product = product;
    this.#setUpRequests = setUpRequests;
    this.#talk = new Talk(ledger.residents, options.world.people, (message) => ledger.messages.push(message));
  }

  /** Starts the product and resolves when every agent of the run has its room with people in it. */
  static async begin(options: RunOptions): Promise<Run> {
    const { world, prefix, agents, source = productSource, slowCommits = 0 } = options;
    const newcomers = await createNewcomers(world, prefix, agents);
    let ledger: Ledger | undefined;
    const product = new Product({
      world,
      source,
      slowCommits,
      toolAllowList: ["Bash"],
      onReport: (report) => ledger?.note(report),
    });
    try {
      await product.start();
      ledger = new Ledger(await moveIn(world, newcomers));
      const requests = await world.stack.synapse.requests();
      return new Run(options, ledger, product, requests.length);
    } catch (error) {
      await product.kill();
      throw error;
    }
  }

  /** All that is known by now. */
  async evidence(): Promise<Evidence> {
    const { stack } = this.#options.world;
    const requests = (await stack.synapse.requests()).slice(this.#setUpRequests);
    const toolRuns = await toolRunsIn(join(stack.letta.workDir, toolFile));
    return this.#ledger.evidence({ calls: stack.model.calls(), requests, toolRuns });
  }

  async round({ kind, stops }: Round): Promise<RoundResult> {
    const hits: Hit[] = [];
    for (const stop of stops) {
      const hit = await this.#stop(kind, stop);
      if (hit !== undefined) hits.push(hit);
    }
    const rested = await this.#rest();
    const violations = await this.#judge(rested);
    return {
      kind,
      hits: hits.map(({ boundary, subject }) => ({ boundary, eventId: this.#ledger.eventIdOf(subject) })),
      violations,
    };
  }

  /** Ends the product in order, and judges once more: nothing may have happened since. */
  async end(): Promise<readonly Violation[]> {
    await this.#product.stop();
    await this.#readRooms();
    return this.#judge(true);
  }

  /** Ends it at once, wherever it is. Does nothing after {@link end}. */
  async close(): Promise<void> {
    await this.#product.kill();
  }

  async #stop(kind: KillKind, { boundary, occurrence, messages, downtime }: Stop): Promise<Hit | undefined> {
    const action = kind === "letta-matrix" ? "die" : "hold";
    const { life } = this.#product;
    const armed = await life.arm({ id: ++this.#arms, boundary, occurrence, action });
    const said = this.#talk.say(messages);
    said.catch(() => {}); // awaited below
    const hit = await this.#hit(armed.hit);
    if (hit === undefined) life.disarm();
    else {
      const eventId = this.#ledger.eventIdOf(hit.subject);
      this.#ledger.kills.push({ kind, boundary, eventId, at: hit.at });
      await killAndRestart(kind, this.#product, this.#options.world, downtime);
    }
    await said;
    return hit;
  }

  /** Keeps people talking until the boundary is reached. `undefined` when it never was. */
  async #hit(hit: Promise<Hit>): Promise<Hit | undefined> {
    for (let nudge = 0; nudge <= mostNudges; nudge++) {
      const waited = new AbortController();
      const late = sleep(nudgeEvery, undefined, { signal: waited.signal }).catch(() => undefined);
      const reached = await Promise.race([hit, late]);
      waited.abort();
      if (reached !== undefined) return reached;
      await this.#talk.say(this.#options.plan.more());
    }
    return undefined;
  }

  /** Resolves with true when every message has what it was owed and nothing is being done any more. */
  async #rest(): Promise<boolean> {
    const { restWithin = 60_000 } = this.#options;
    const rooms = this.#ledger.residents.map(({ roomId }) => roomId);
    let through = this.#ledger.acknowledged;
    let since = performance.now();
    while (performance.now() < since + restWithin) {
      if (this.#ledger.acknowledged > through) {
        through = this.#ledger.acknowledged;
        since = performance.now();
      }
      if (this.#product.life.hasEnded) throw new Error("the product ended by itself: see its log");
      if (this.#product.life.isIdle(rooms)) {
        await this.#readRooms();
        if (this.#isComplete()) return true;
      }
      await sleep(100);
    }
    await this.#readRooms();
    return false;
  }

  #isComplete(): boolean {
    const evidence = this.#ledger.evidence(nothingElse);
    const asked = new Set(this.#options.world.stack.model.calls().map(({ nonce }) => nonce));
    const answered = new Set(
      evidence.residents.flatMap(({ roomId, userId }) =>
        viewOf(evidence.timelines.get(roomId) ?? [], userId).endings.map(({ cause }) => cause),
      ),
    );
    return evidence.messages.every(
      ({ eventId, silent, nonce }) =>
        answered.has(eventId) || (silent && asked.has(nonce)) || this.#givenUp.has(eventId),
    );
  }

  async #readRooms(): Promise<void> {
    const [person] = this.#options.world.people;
    await Promise.all(
      this.#ledger.residents.map(async ({ roomId }) => {
        const read = await person?.read(roomId, this.#readTo.get(roomId));
        if (read === undefined) return;
        this.#ledger.read(roomId, read.events);
        if (read.end !== undefined) this.#readTo.set(roomId, read.end);
      }),
    );
  }

  async #judge(rested: boolean): Promise<Violation[]> {
    const found = judge(await this.evidence());
    const restless: Violation[] =
      rested || found.length > 0
        ? []
        : [
            {
              law: "comes-to-rest",
              roomId: "",
              eventId: "",
              detail: "all is answered, but something is still going on",
            },
          ];
    return [...found, ...restless].filter((violation) => {
      const name = JSON.stringify(violation);
      const isNew = !this.#shown.has(name);
      this.#shown.add(name);
      this.#givenUp.add(violation.eventId);
      return isNew;
    });
  }
}

const nothingElse = { calls: [], requests: [], toolRuns: new Map<string, number>() };

async function toolRunsIn(file: string): Promise<Map<string, number>> {
  const runs = new Map<string, number>();
  for (const nonce of (await readFile(file, "utf8").catch(() => "")).split("\n"))
    if (nonce !== "") runs.set(nonce, (runs.get(nonce) ?? 0) + 1);
  return runs;
}
