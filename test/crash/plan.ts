import {
  type Boundary,
  boundariesOf,
  isApprovalBoundary,
  isCommandBoundary,
  isHomeBoundary,
  isPhase,
  type KillKind,
  killKinds,
  type Tools,
} from "./boundaries.ts";
import { decisions, type Place, type PlannedMessage } from "./messages.ts";
import { Deck, Random } from "./random.ts";

/** One kill: what is said meanwhile, and where it happens. */
export interface Stop {
  readonly boundary: Boundary;
  /** The how-manieth passing of the boundary since the arming, from 1 on. */
  readonly occurrence: number;
  readonly messages: readonly PlannedMessage[];
  /** How long what was killed stays dead, ms; each kind for itself. */
  readonly downtime: number;
  /** Where it is an agent's that is new: its number, and what is said to it. */
  readonly newcomer?: Newcomer;
}

export interface Newcomer {
  readonly agent: number;
  readonly message: PlannedMessage;
}

/** Kills of one kind that follow each other, after which everything has to come to rest and is judged. */
export interface Round {
  readonly kind: KillKind;
  readonly stops: readonly Stop[];
}

export interface PlanOptions {
  readonly seed: number;
  /** Begins each nonce: tells the messages of several runs on the same servers apart. */
  readonly prefix: string;
  readonly agents: number;
  readonly people: number;
  readonly tools: Tools;
  /** Where a tool of Letta notes that it ran, one nonce a line; without it no message uses a tool. */
  readonly toolFile?: string;
}

export type KillCounts = Readonly<Record<KillKind, number>>;

/** Draws a whole run from its seed: what people say to whom, what is killed, where. */
export class Plan {
  readonly #options: PlanOptions;
  readonly #kinds: Random;
  readonly #stops: Random;
  readonly #talk: Random;
  readonly #decks: Readonly<Record<KillKind, Deck<Boundary>>>;
  /** Messages in each agent's room up to now. */
  readonly #said: number[];
  #messages = 0;

  constructor(options: PlanOptions) {
    const random = new Random(options.seed);
    this.#options = options;
    this.#kinds = random.fork();
    this.#stops = random.fork();
    this.#talk = random.fork();
    const deck = (kind: KillKind): Deck<Boundary> => new Deck(boundariesOf(kind, options.tools), random.fork());
    this.#decks = {
      "letta-matrix": deck("letta-matrix"),
      letta: deck("letta"),
      synapse: deck("synapse"),
      all: deck("all"),
    };
    this.#said = Array.from({ length: options.agents }, () => 0);
  }

  /** Rounds with so many kills of each kind, mixed. */
  *rounds(counts: KillCounts): Generator<Round> {
    const left = { ...counts };
    for (;;) {
      const total = killKinds.reduce((sum, kind) => sum + left[kind], 0);
      if (total === 0) return;
      let drawn = this.#kinds.int(1, total);
      const kind = killKinds.find((candidate) => {
        drawn -= left[candidate];
        return drawn <= 0;
      });
      if (kind === undefined) return;
      const kills = Math.min(left[kind], this.#stops.int(1, kind === "letta-matrix" ? 5 : 2));
      left[kind] -= kills;
      yield this.round(
        kind,
        Array.from({ length: kills }, () => this.#decks[kind].deal()),
      );
    }
  }

  /** A round that kills at these boundaries; at which passing, is drawn where it is not given. */
  round(kind: KillKind, at: readonly Boundary[], occurrence?: number): Round {
    return { kind, stops: at.map((boundary) => this.#stop(boundary, occurrence)) };
  }

  /** What people say when a kill at this boundary keeps them waiting: something to each agent that was there first. */
  more(boundary: Boundary): PlannedMessage[] {
    if (isApprovalBoundary(boundary)) return [this.#message(this.#talk.int(0, this.#options.agents - 1), true)];
    if (isCommandBoundary(boundary)) return [this.#commanded(this.#talk.int(0, this.#options.agents - 1))];
    return Array.from({ length: this.#options.agents }, (_, agent) => this.#message(agent));
  }

  #stop(boundary: Boundary, occurrence?: number): Stop {
    const { agents } = this.#options;
    const agent = (): number => this.#talk.int(0, agents - 1);
    const messages = Array.from({ length: this.#talk.int(3, 6) }, () => this.#message(agent()));
    if (isCommandBoundary(boundary) || this.#talk.chance(0.1)) messages.push(this.#commanded(agent()));
    if (isApprovalBoundary(boundary)) messages.push(this.#message(agent(), true));
    const drawn = this.#stops.int(1, passingsOf(boundary));
    const downtime = this.#stops.int(0, 300);
    const stop = { boundary, occurrence: occurrence ?? drawn, messages, downtime };
    if (!isHomeBoundary(boundary)) return stop;
    const newcomer = this.#said.push(0) - 1;
    return { ...stop, newcomer: { agent: newcomer, message: this.#message(newcomer) } };
  }

  #message(agent: number, withTool = false): PlannedMessage {
    const { prefix, people, toolFile, tools } = this.#options;
    const talk = this.#talk;
    const nonce = `${prefix}${++this.#messages}`;
    const before = this.#said[agent] ?? 0;
    this.#said[agent] = before + 1;
    const silent = talk.chance(0.04) && !withTool;
    const usesTool = (withTool || (talk.chance(0.05) && !silent)) && toolFile !== undefined;
    const edited = talk.chance(0.15) && !silent && !usesTool;
    const place = before > 0 && talk.chance(0.35) ? this.#place(before) : undefined;
    return {
      nonce,
      agent,
      person: talk.int(0, people - 1),
      directives: [
        talk.chance(0.4) ? `[[delay=${talk.int(20, 300)}]]` : "",
        talk.chance(0.8) ? `[[tps=${talk.int(40, 120)}]]` : "",
        silent ? "[[say=<no-reply/>]]" : "",
        usesTool ? `[[bash=echo ${nonce} >> ${toolFile}]]` : "",
      ].join(""),
      ...(place !== undefined && { place }),
      ...(edited && { edited: `${nonce}-edited` }),
      silent,
      usesTool,
      ...(usesTool && tools === "asked" && { decision: talk.pick(decisions) }),
    };
  }

  /** One with a long answer, which somebody stops, and most likely wants to have after all. */
  #commanded(agent: number): PlannedMessage {
    const talk = this.#talk;
    const { place: _, edited: __, decision: ___, ...message } = this.#message(agent);
    const stop = { name: "stop", after: talk.int(100, 900) } as const;
    const retry = { name: "retry", after: talk.int(0, 600) } as const;
    const directives = "[[tps=20]][[words=30]]";
    const commands = talk.chance(0.8) ? [stop, retry] : [stop];
    return { ...message, directives, silent: false, usesTool: false, commands };
  }

  #place(before: number): Place {
    return { after: this.#talk.int(0, before - 1), kind: this.#talk.chance(0.5) ? "thread" : "reply" };
  }
}

const inCommits: ReadonlySet<Boundary> = new Set(["committing", "writing", "written"]);

/** How often a boundary is passed at least while a few messages are answered. */
function passingsOf(boundary: Boundary): number {
  if (isHomeBoundary(boundary) || isCommandBoundary(boundary) || isApprovalBoundary(boundary)) return 1;
  if (isPhase(boundary)) return 12;
  return inCommits.has(boundary) ? 12 : 3;
}
