import { setTimeout as sleep } from "node:timers/promises";
import { type HomeBoundary, isHomeBoundary, isPhase, type KillKind } from "./boundaries.ts";
import { killAndRestart } from "./killer.ts";
import type { Ledger } from "./ledger.ts";
import type { Newcomer, Plan, Stop } from "./plan.ts";
import type { Product } from "./product.ts";
import type { Arm } from "./protocol.ts";
import { createNewcomer, moveIn } from "./settle-in.ts";
import type { Talk } from "./talk.ts";
import type { Hit } from "./victim-process.ts";
import type { World } from "./world.ts";

export interface StopsOptions {
  readonly world: World;
  readonly plan: Plan;
  /** Begins the names of the run's agents. */
  readonly prefix: string;
  readonly product: Product;
  readonly ledger: Ledger;
  readonly talk: Talk;
}

const nudgeEvery = 3_000;
const mostNudges = 6;

/** Has people talk, and agents come, until something is killed as planned. */
export class Stops {
  readonly #options: StopsOptions;
  #arms = 0;

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /** Resolves when what was killed is up again; with nothing when the boundary was never reached. */
  async carryOut(kind: KillKind, stop: Stop): Promise<Hit | undefined> {
    const { product, talk, plan } = this.#options;
    const { boundary } = stop;
    if (isPhase(boundary)) return this.#inPhase(boundary === "starting", stop);
    if (isHomeBoundary(boundary)) return this.#atHome(kind, boundary, stop);
    const { hit } = await product.life.arm(this.#armOf(kind, stop));
    const said = this.#say(stop);
    const reached = await this.#reach(hit, () => talk.say(plan.more(boundary)));
    await this.#kill(kind, stop, reached);
    await said;
    return reached;
  }

  /** Has it die in the midst of its start, or of its orderly end, while messages wait. */
  async #inPhase(starting: boolean, stop: Stop): Promise<Hit> {
    const { product, talk, plan } = this.#options;
    const arm = this.#armOf("letta-matrix", stop);
    const said = this.#say(stop);
    if (starting) {
      await product.life.kill();
      const hit = await product.startToDie(arm);
      await this.#kill("letta-matrix", stop, hit);
      await said;
      return hit;
    }
    await said;
    await talk.say(plan.more("stopping"));
    const hit = await product.life.dieIn({ arm, stop: true });
    await this.#kill("letta-matrix", stop, hit);
    return hit;
  }

  /** Has it happen while a new agent gets its home, or is asked for the first time. */
  async #atHome(kind: KillKind, boundary: HomeBoundary, stop: Stop): Promise<Hit | undefined> {
    const { world, prefix, ledger, product, talk } = this.#options;
    const newcomer = newcomerOf(stop);
    const from = Date.now();
    const arrived = await createNewcomer(world, `${prefix}${newcomer.agent + 1}`);
    const settle = async (): Promise<void> => {
      ledger.residents.push(await moveIn(world, arrived));
      ledger.arrivals.push({ agentId: arrived.agentId, from, to: Date.now() });
    };
    const isAsked = boundary.endsWith("createConversation");
    if (isAsked) {
      product.life.look();
      await settle();
    }
    const { hit } = await product.life.arm(this.#armOf(kind, stop));
    const said = this.#say(stop);
    const welcome = (): Promise<void> => talk.say([newcomer.message]);
    const first = isAsked ? welcome() : Promise.resolve(product.life.look());
    first.catch(() => {}); // awaited below
    const reached = await this.#reach(hit, async () => product.life.look());
    await this.#kill(kind, stop, reached);
    await first;
    if (!isAsked) {
      await settle();
      await welcome();
    }
    await said;
    return reached;
  }

  #say({ messages }: Stop): Promise<void> {
    const said = this.#options.talk.say(messages);
    said.catch(() => {}); // awaited by the caller
    return said;
  }

  #armOf(kind: KillKind, { boundary, occurrence }: Stop): Arm {
    return { id: ++this.#arms, boundary, occurrence, action: kind === "letta-matrix" ? "die" : "hold" };
  }

  async #kill(kind: KillKind, { boundary, downtime }: Stop, hit: Hit | undefined): Promise<void> {
    const { product, ledger, world } = this.#options;
    if (hit === undefined) return;
    ledger.kills.push({ kind, boundary, eventId: ledger.eventIdOf(hit.subject), at: hit.at });
    await killAndRestart(kind, product, world, downtime);
  }

  /** Nudges until the boundary is reached. `undefined` when it never was. */
  async #reach(hit: Promise<Hit>, nudge: () => Promise<void>): Promise<Hit | undefined> {
    for (let nudges = 0; nudges <= mostNudges; nudges++) {
      const waited = new AbortController();
      const late = sleep(nudgeEvery, undefined, { signal: waited.signal }).catch(() => undefined);
      const reached = await Promise.race([hit, late]);
      waited.abort();
      if (reached !== undefined) return reached;
      await nudge();
    }
    return this.#options.product.life.disarm();
  }
}

function newcomerOf({ boundary, newcomer }: Stop): Newcomer {
  if (newcomer === undefined) throw new RangeError(`the plan has nobody who comes to ${boundary}`);
  return newcomer;
}
