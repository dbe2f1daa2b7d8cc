import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Boundary, KillKind, Tools } from "./boundaries.ts";
import { areCarriedOut } from "./commanded.ts";
import { Decider } from "./decider.ts";
import type { Evidence } from "./evidence.ts";
import { judge, type Violation } from "./laws.ts";
import { Ledger } from "./ledger.ts";
import type { Plan, Round } from "./plan.ts";
import { Product } from "./product.ts";
import { type Arrived, createNewcomer, moveIn } from "./settle-in.ts";
import { Stops } from "./stops.ts";
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
  readonly tools: Tools;
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

/** People talk to agents while things are killed, and everything that can be seen from outside is judged. */
export class Run {
  readonly #options: RunOptions;
  readonly #ledger: Ledger;
  readonly #stops: Stops;
  readonly #product: Product;
  /** Requests in Synapse's log when everything had been set up. */
  readonly #setUpRequests: number;
  /** Before anybody had said anything. Not every homeserver reads a room from its beginning. */
  readonly #beginning: string | undefined;
  readonly #readTo = new Map<string, string>();
  readonly #shown = new Set<string>();
  /** Messages that something was wrong with: nobody waits for them any more. */
  readonly #givenUp = new Set<string>();

  private constructor(
    options: RunOptions,
    ledger: Ledger,
    product: Product,
    setUpRequests: number,
    beginning?: string,
  ) {
    this.#options = options;
    this.#ledger = ledger;
    this.#product = product;
    this.#setUpRequests = setUpRequests;
    this.#beginning = beginning;
    const talk = new Talk(ledger.residents, options.world.people, {
      sent: (message) => ledger.messages.push(message),
      commanded: (command) => ledger.commands.push(command),
    });
    this.#stops = new Stops({ ...options, product, ledger, talk });
  }

  /** Starts the product and resolves when every agent of the run has its room with people in it. */
  static async begin(options: RunOptions): Promise<Run> {
    const { world, prefix, agents, tools, source = productSource, slowCommits = 0 } = options;
    const newcomers: Arrived[] = [];
    while (newcomers.length < agents) newcomers.push(await createNewcomer(world, `${prefix}${newcomers.length + 1}`));
    const ledger = new Ledger();
    const decider = new Decider(world.people, ledger);
    const product = new Product({
      world,
      source,
      slowCommits,
      tools,
      onReport(report) {
        ledger.note(report);
        if (report.type === "request") decider.decide(report);
      },
    });
    try {
      await product.start();
      ledger.residents.push(...(await Promise.all(newcomers.map((one) => moveIn(world, one)))));
      const requests = await world.homeserver.requests();
      return new Run(options, ledger, product, requests.length, await world.people[0]?.place());
    } catch (error) {
      await product.kill();
      throw error;
    }
  }

  /** All that is known by now. */
  async evidence(): Promise<Evidence> {
    const { homeserver, letta, model, census } = this.#options.world;
    const requests = (await homeserver.requests()).slice(this.#setUpRequests);
    const toolRuns = await toolRunsIn(join(letta.workDir, toolFile));
    return this.#ledger.evidence({ calls: model.calls(), requests, toolRuns, count: await census.take() });
  }

  async round({ kind, stops }: Round): Promise<RoundResult> {
    const hits: Hit[] = [];
    for (const stop of stops) {
      const hit = await this.#stops.carryOut(kind, stop);
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
      const { life } = this.#product;
      if (life.hasEnded) throw new Error(`the product ended by itself (${await life.ended}): see its log`);
      if (life.isIdle(rooms)) {
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
    const asked = new Set(this.#options.world.model.calls().map(({ nonce }) => nonce));
    const views = evidence.residents.map((resident) => ({
      resident,
      view: viewOf(evidence.timelines.get(resident.roomId) ?? [], resident.userId),
    }));
    const answered = new Set(views.flatMap(({ view }) => view.endings.map(({ cause }) => cause)));
    const areAnswered = evidence.messages.every(
      ({ eventId, silent, nonce }) =>
        answered.has(eventId) || (silent && asked.has(nonce)) || this.#givenUp.has(eventId),
    );
    return areAnswered && views.every(({ resident, view }) => areCarriedOut(resident, view, evidence));
  }

  async #readRooms(): Promise<void> {
    const [person] = this.#options.world.people;
    await Promise.all(
      this.#ledger.residents.map(async ({ roomId }) => {
        const read = await person?.read(roomId, this.#readTo.get(roomId) ?? this.#beginning);
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

const nothingElse = { calls: [], requests: [], toolRuns: new Map<string, number>(), count: { users: [], rooms: [] } };

async function toolRunsIn(file: string): Promise<Map<string, number>> {
  const runs = new Map<string, number>();
  for (const nonce of (await readFile(file, "utf8").catch(() => "")).split("\n"))
    if (nonce !== "") runs.set(nonce, (runs.get(nonce) ?? 0) + 1);
  return runs;
}
