import { type ChangeFeed, mostTopics } from "../commands/watch/changes.ts";
import { type Clock, sleep } from "../runtime/clock.ts";

/** By what a client is told of changes. */
export interface Outlet {
  updated(uri: string): void;
  listChanged(): void;
  /** Whether the client has not taken yet what it was told. */
  isBehind(): boolean;
}

interface Subject {
  /** Until when the client knows. */
  after: string;
  readonly uris: Set<string>;
}

/** The client is told at most so often, ms: of each resource once, however often it has changed meanwhile. */
const interval = 1_000;
/** How long one question waits, ms. */
const patience = 50_000;
/** Before it is asked again after a failure, ms. */
const retryAfter = 5_000;

/** In the place of an address: the list of resources. */
const list = "";

/** What one client wants to hear of, and what it has heard of already. */
export class Subscriptions {
  readonly #feed: ChangeFeed;
  readonly #clock: Clock;
  readonly #subjects = new Map<string, Subject>();
  readonly #ended = new AbortController();
  #outlet: Outlet | undefined;
  #round = new AbortController();
  #notBefore = 0;

  constructor(feed: ChangeFeed, clock: Clock) {
    this.#feed = feed;
    this.#clock = clock;
  }

  /** From here on the client hears of it. Throws {@link TooManySubscriptions}. */
  async add(uri: string, topic: string): Promise<void> {
    const known = this.#subjects.get(topic);
    if (known?.uris.has(uri)) return;
    // One thing can be named by many addresses, each of which would be told.
    const followed = [...this.#subjects.values()].reduce((sum, { uris }) => sum + uris.size, 0);
    if (followed >= mostTopics) throw new TooManySubscriptions();
    if (known !== undefined) {
      known.uris.add(uri);
      return;
    }
    const { at: after } = await this.#feed.next({ topics: [{ topic }], patience: 0 }, this.#ended.signal);
    const subject = this.#subjects.get(topic) ?? { after, uris: new Set() };
    this.#subjects.set(topic, subject);
    subject.uris.add(uri);
    this.#begin();
  }

  addList(topic: string): Promise<void> {
    return this.add(list, topic);
  }

  remove(uri: string): void {
    for (const [topic, { uris }] of this.#subjects)
      if (uris.delete(uri) && uris.size === 0) this.#subjects.delete(topic);
    this.#begin();
  }

  /** Whatever has changed since the client heard last, and from now on changes, goes there. */
  open(outlet: Outlet): void {
    this.#outlet = outlet;
    this.#begin();
  }

  /** Until the next `open` nothing is told, and nothing is forgotten. */
  close(outlet: Outlet): void {
    if (this.#outlet !== outlet) return;
    this.#outlet = undefined;
    this.#round.abort();
  }

  end(): void {
    this.#outlet = undefined;
    this.#round.abort();
    this.#ended.abort();
  }

  #begin(): void {
    this.#round.abort();
    this.#round = new AbortController();
    if (this.#outlet !== undefined && this.#subjects.size > 0) void this.#follow(this.#outlet, this.#round.signal);
  }

  /** Ends with the signal, or when somebody else has begun. */
  async #follow(outlet: Outlet, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const pause = this.#notBefore - this.#clock.elapsed();
        if (pause > 0) await sleep(this.#clock, pause, signal);
        if (outlet.isBehind()) await sleep(this.#clock, interval, signal);
        else await this.#tell(outlet, signal);
      } catch {
        // The process that knows may be away, and come back.
        await sleep(this.#clock, retryAfter, signal).catch(() => undefined);
      }
    }
  }

  async #tell(outlet: Outlet, signal: AbortSignal): Promise<void> {
    const asked = [...this.#subjects].map(([topic, { after }]) => ({ topic, after }));
    const { changed, at } = await this.#feed.next({ topics: asked, patience }, signal);
    if (signal.aborted) return;
    for (const { topic } of asked) {
      const subject = this.#subjects.get(topic);
      if (subject !== undefined) subject.after = at;
    }
    if (changed.length === 0) return;
    this.#notBefore = this.#clock.elapsed() + interval;
    for (const uri of changed.flatMap((topic) => [...(this.#subjects.get(topic)?.uris ?? [])]))
      if (uri === list) outlet.listChanged();
      else outlet.updated(uri);
  }
}

/** Nothing more is followed. */
export class TooManySubscriptions extends Error {
  override readonly name = "TooManySubscriptions";
  override readonly message = `a client hears of at most ${mostTopics} things`;
  readonly remedy = "End some of the subscriptions.";
}
