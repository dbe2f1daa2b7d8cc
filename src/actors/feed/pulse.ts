import { MatrixError, type Pinged, type Pushes } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { type Company, isImpatience } from "./company.ts";
import { Moment } from "./moment.ts";

type News =
  | { readonly state: "reached" }
  /** It has no way to be asked; it pushes, or does not. */
  | { readonly state: "unasked" }
  | { readonly state: "unreached"; readonly reason: string; readonly remedy?: string };

/** Whether the homeserver reaches us, and since when, ms since the epoch. */
export type Reach = { readonly state: "unknown" } | (News & { readonly since: number });

export interface PulseOptions {
  readonly pushes: Pick<Pushes, "ping">;
  readonly company: Pick<Company, "attend">;
  readonly clock: Clock;
  /** From now on nothing that was said is certain to have been pushed. */
  readonly doubt: () => void;
  /** Until there is doubt again, what is pushed is certain to be all that was said, in its order. */
  readonly settle: () => void;
  /** Has all agents look back at what was said, one after the other. */
  readonly lookBack: (signal: AbortSignal) => Promise<void>;
  /** What is pushed may be taken from now on. */
  readonly open: () => void;
  readonly onChange: (reach: Reach) => void;
}

/** How often at least the homeserver is asked to reach us, ms. */
const interval = 300_000;
const firstRetry = 1_000;
const longestRetry = 60_000;
/** The least time between two requests that are held, ms: a homeserver can answer at once in a tight loop. */
const leastInterval = 250;
/** Of a homeserver that is gone, ms: it costs one request of all agents together. */
const longestAbsence = 10_000;
/** Synapse begins 2 s after something happens to push what it could not: after so long a silence it is over with that, ms. */
const quiet = 15_000;
/** However much is pushed, ms: of what is said meanwhile, and of what was said before. */
const mostUnrest = { fresh: 120_000, old: 3_600_000 };
/** What is so much older when it is pushed was said before, ms: the two clocks may differ a little. */
const old = 30_000;

const lost: News = {
  state: "unreached",
  reason: "the homeserver reaches us, but pushes nothing: what our own users said did not come back",
  remedy:
    "Look into the logs of the homeserver and of what stands between it and homeserver.appservice.listen: a proxy may take too little (413). docs/appservice.md says what it has to let through.",
};

/** What tells nothing of the homeserver, or that it is gone. */
const noAnswer: ReadonlySet<string> = new Set(["unreachable", "malformed"]);

/**
 * Has the homeserver reach us: at the start, from time to time, and soon again after it could not. That also ends its
 * waiting after it could not push to us. It stays with the homeserver besides, to notice when that is gone.
 *
 * What a homeserver was about to push when it ended it may never push; and Synapse forgets now and then what is said just
 * when it is over with pushing what it could not. So all agents look back when it is there (again), and once more
 * when it has pushed something since and come to rest.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #reach: Reach = { state: "unknown" };
  /** Ends the looks that are under way. */
  #looks = new AbortController();
  /** By the clock's even time. */
  #doubtedAt = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #heardOldAt = Number.NEGATIVE_INFINITY;
  #onRefused: () => void = () => undefined;
  #onLate: () => void = () => undefined;
  #onLost: () => void = () => undefined;
  /** What came of the last ping. */
  #pinged: News = { state: "unasked" };
  /** Nothing is pushed though pings come. */
  #isLost = false;
  /** How late the last came of what the homeserver noted the time of, ms. */
  #delay = 0;
  /** Nothing is doubted. */
  #isCertain = false;
  #isThere = false;
  /** Since something was taken. */
  #refusals = 0;
  /** What was pushed could not be taken, and the homeserver may wait long before it pushes that again. */
  #isWaitedFor = false;
  readonly #push: Moment;
  readonly #return: Moment;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#push = new Moment(options.clock);
    this.#return = new Moment(options.clock);
  }

  get reach(): Reach {
    return this.#reach;
  }

  /**
   * Something was pushed, of which the homeserver got the newest at `newest`, ms since the epoch: whoever does that is there.
   * `isByItsClock`: the homeserver has noted that time itself. Then it could not push for a while if it is long ago.
   */
  heard(newest?: number, isByItsClock = false): void {
    const { clock } = this.#options;
    this.#heardAt = clock.elapsed();
    if (this.#isLost) {
      this.#isLost = false;
      this.#become(this.#pinged);
    }
    const delay = newest === undefined ? 0 : Math.max(0, clock.now() - newest);
    if (delay > old) this.#heardOldAt = this.#heardAt;
    if (isByItsClock) {
      // Where its clock is slow everything comes late, and equally so.
      const isLate = delay - this.#delay > old;
      this.#delay = delay;
      if (isLate && this.#isCertain) this.#onLate();
    }
    this.#push.happens();
  }

  /** What was pushed was taken. */
  taken(): void {
    this.#refusals = 0;
  }

  /** What was pushed could not be taken: it is pushed late, and so is what is said meanwhile. */
  refused(): void {
    this.#isWaitedFor = true;
    this.#refusals++;
    this.#doubt();
    this.#onRefused();
  }

  /** Nothing is pushed, though the homeserver reaches us: until something is. */
  lost(): void {
    this.#isLost = true;
    this.#become(this.#pinged);
    this.#onLost();
  }

  /** Has the homeserver reach us now. */
  ask(): void {
    this.#return.happens();
  }

  /** Runs until it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const together = AbortSignal.any([signal, over.signal]);
    this.#onRefused = this.#afterRefusals(together);
    this.#onLate = () => {
      // What is doubted is what was said before this push.
      this.#doubt(this.#heardAt - 1);
      this.#lookBack(together);
    };
    this.#onLost = () => {
      this.#doubt();
      this.#lookBack(together);
    };
    this.#doubt();
    this.#options.open();
    try {
      await Promise.race([this.#stay(together), this.#beat(together)]);
    } finally {
      this.#onRefused = () => undefined;
      this.#onLate = () => undefined;
      this.#onLost = () => undefined;
      over.abort(new Error("the pulse has ended"));
      this.#looks.abort(new Error("the pulse has ended"));
    }
  }

  /** What is refused again and again is to cost all agents no look, and the homeserver no ping, each time. */
  #afterRefusals(signal: AbortSignal): () => void {
    let isDue = false;
    return () => {
      if (isDue) return;
      isDue = true;
      const wait = Math.min(longestRetry, firstRetry * 2 ** (this.#refusals - 1));
      sleep(this.#options.clock, wait, signal)
        .then(() => {
          isDue = false;
          // Once it is there again all look anyway.
          if (this.#isThere) this.#lookBack(signal);
        })
        .catch(() => undefined);
    };
  }

  async #stay(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#isThere = false;
    for (let failures = 0; ; ) {
      const begun = clock.elapsed();
      const answer = await this.#attend(signal);
      if (answer === "none") {
        this.#looks.abort(new Error("the homeserver is gone"));
        if (this.#isThere) this.#doubt();
        this.#isThere = false;
        await this.#push.next(signal, Math.min(longestAbsence, firstRetry * 2 ** failures));
        failures++;
        continue;
      }
      if (!this.#isThere) this.#lookBack(signal);
      // It may wait before it pushes again: the next ping ends that.
      if (failures > 0) this.#return.happens();
      this.#isThere = true;
      failures = 0;
      const rest = answer === "refused" ? longestAbsence : begun + leastInterval - clock.elapsed();
      if (rest > 0) await sleep(clock, rest, signal);
    }
  }

  /** Whether the homeserver is there, and lets us stay. */
  async #attend(signal: AbortSignal): Promise<"held" | "refused" | "none"> {
    try {
      await this.#options.company.attend(signal);
      return "held";
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof MatrixError)) return "none";
      return noAnswer.has(error.kind) && !isImpatience(error) ? "none" : "refused";
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    let wasReached = true;
    for (let failures = 0; ; ) {
      const pinged = await this.#ping(signal);
      const isReached = pinged !== "failed";
      // Looks that are under way go on: that it does not reach us does not keep us from asking it.
      if (wasReached && !isReached) this.#doubt();
      // Where nothing is pushed, only looks tell what is said.
      if (isReached && (!wasReached || this.#isLost)) this.#lookBack(signal);
      wasReached = isReached;
      failures = pinged === "reached" ? 0 : failures + 1;
      const wait = failures === 0 ? interval : Math.min(longestRetry, firstRetry * 2 ** (failures - 1));
      await this.#return.next(signal, wait);
    }
  }

  #doubt(at = this.#options.clock.elapsed()): void {
    this.#isCertain = false;
    this.#doubtedAt = at;
    this.#options.doubt();
  }

  #lookBack(signal: AbortSignal): void {
    this.#looks.abort(new Error("it begins anew"));
    this.#looks = new AbortController();
    this.#lookTwice(AbortSignal.any([signal, this.#looks.signal])).catch(() => undefined);
  }

  /** Rejects only when it is aborted. */
  async #lookTwice(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const since = this.#doubtedAt;
    await this.#lookUntilDone(signal);
    // Agents can be given something, so that what is pushed can be taken again.
    if (this.#isWaitedFor) this.#return.happens();
    this.#isWaitedFor = false;
    while (this.#heardAt <= since) await this.#push.next(signal);
    const begun = clock.elapsed();
    const ends = (): number => {
      const isFresh = begun + mostUnrest.fresh;
      // So long as it pushes what was said before, it is not over with what it could not push.
      const isOld = Math.min(begun + mostUnrest.old, this.#heardOldAt + mostUnrest.fresh);
      return Math.min(this.#heardAt + quiet, Math.max(isFresh, isOld));
    };
    while (clock.elapsed() < ends()) await sleep(clock, quiet / 3, signal);
    this.#options.doubt();
    await this.#lookUntilDone(signal);
    // Whatever was doubted meanwhile is followed by looks of its own.
    if (this.#doubtedAt !== since) return;
    this.#isCertain = true;
    this.#options.settle();
  }

  async #lookUntilDone(signal: AbortSignal): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#options.lookBack(signal);
      } catch {
        // Of the store or of the host, which are looked after elsewhere.
        signal.throwIfAborted();
        await sleep(this.#options.clock, Math.min(longestRetry, firstRetry * 2 ** failures), signal);
      }
    }
  }

  async #ping(signal: AbortSignal): Promise<Pinged | "failed"> {
    try {
      const pinged = await this.#options.pushes.ping(signal);
      this.#become({ state: "reached" });
      return pinged;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MatrixError && error.kind === "unsupported") {
        this.#become({ state: "unasked" });
        return "reached";
      }
      // The user as whom we ask is made by our first start: until then nothing is known, and nothing wrong.
      if (error instanceof MatrixError && error.kind === "token" && this.#reach.state === "unknown") return "failed";
      const remedy = error instanceof MatrixError ? { remedy: error.remedy } : {};
      this.#become({ state: "unreached", reason: error instanceof Error ? error.message : String(error), ...remedy });
      return "failed";
    }
  }

  #become(news: News): void {
    this.#pinged = news;
    const next = this.#isLost && news.state !== "unreached" ? lost : news;
    const before = this.#reach;
    const since = before.state === next.state ? before.since : this.#options.clock.now();
    this.#reach = { ...next, since };
    if (before.state !== next.state) this.#options.onChange(this.#reach);
  }
}
