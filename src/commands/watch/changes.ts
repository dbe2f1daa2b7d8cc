import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type ActorId, partsOf } from "../../runtime/actor-id.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Host, Transition } from "../../runtime/host.ts";

/** What can be followed, by name. */
export const topics = {
  /** Which agents there are, and what they are called. */
  agents: "agents",
  /** Everything. */
  status: "status",
  agent: (agentId: string) => `agent ${agentId}`,
  /** What is said in a room, as far as an agent hears it there or a user of ours says it. */
  room: (roomId: string) => `room ${roomId}`,
} as const;

/** Longer nobody waits at once, ms. */
const longestPatience = 60_000;
/** More is not asked about at once. */
export const mostTopics = 500;

export const followed = z.strictObject({
  topics: z
    .array(z.strictObject({ topic: z.string().max(600), after: z.string().max(100).exactOptional() }))
    .max(mostTopics),
  /** How long to wait for a change, ms. */
  patience: z.int().min(0).max(longestPatience),
});
export type Followed = z.output<typeof followed>;

export const heard = z.object({
  /** The topics that have changed since what was asked `after`, each once. */
  changed: z.array(z.string()),
  /** Until when all is told: what to ask `after` next time. */
  at: z.string(),
});
export type HeardChanges = z.output<typeof heard>;

/** Tells what has changed, to whoever asks again and again. */
export interface ChangeFeed {
  /** Resolves with the first change, or after the patience without one. Rejects when the signal is aborted. */
  next(asked: Followed, signal: AbortSignal): Promise<HeardChanges>;
}

interface Topic {
  /** The number of its last change. */
  changed: number;
  /** Since when it is followed: of changes before that nothing is known. */
  readonly since: number;
  readonly wake: Set<() => void>;
}

/** Beyond this the topic that nobody has asked about for longest is forgotten: who asks again hears that it has changed. */
const mostFollowed = 20_000;

/** What changes, by what the host tells of each step; it costs nothing while nobody follows anything. */
export class Changes implements ChangeFeed {
  readonly #clock: Clock;
  /** Another one with each start of the process, which ends all that was known of before. */
  readonly #epoch = randomUUID();
  /** The one asked about last comes last. */
  readonly #topics = new Map<string, Topic>();
  #count = 0;

  constructor(host: Pick<Host, "subscribe">, clock: Clock) {
    this.#clock = clock;
    host.subscribe((transition) => {
      if (this.#topics.size > 0) for (const topic of topicsOf(transition)) this.#note(topic);
    });
  }

  /** Something has happened to an actor that was no step of it: it has crashed, say. */
  touched(actor: ActorId): void {
    if (this.#topics.size > 0) for (const topic of topicsAt(actor)) this.#note(topic);
  }

  async next({ topics: asked, patience }: Followed, signal: AbortSignal): Promise<HeardChanges> {
    signal.throwIfAborted();
    const begun = this.#count;
    const changed = new Set(
      asked.filter(({ topic, after }) => this.#hasChanged(topic, after)).map(({ topic }) => topic),
    );
    for (const { topic } of asked) this.#follow(topic);
    if (changed.size === 0 && patience > 0) {
      await this.#change(asked, patience, signal);
      for (const { topic } of asked) if ((this.#topics.get(topic)?.changed ?? 0) > begun) changed.add(topic);
    }
    return { changed: [...changed], at: `${this.#epoch} ${this.#count}` };
  }

  #hasChanged(topic: string, after: string | undefined): boolean {
    if (after === undefined) return false;
    const [epoch, number] = after.split(" ");
    const known = this.#topics.get(topic);
    if (epoch !== this.#epoch || known === undefined) return true;
    // Of what was before it was followed nobody knows; what is no number is told of, too.
    return !(Number(number) >= Math.max(known.since, known.changed));
  }

  #follow(topic: string): void {
    const known = this.#topics.get(topic) ?? { changed: 0, since: this.#count, wake: new Set() };
    this.#topics.delete(topic);
    this.#topics.set(topic, known);
    for (const [oldest] of this.#topics) {
      if (this.#topics.size <= mostFollowed) break;
      this.#topics.delete(oldest);
    }
  }

  #note(topic: string): void {
    const known = this.#topics.get(topic);
    if (known === undefined) return;
    this.#count += 1;
    known.changed = this.#count;
    for (const wake of known.wake) wake();
  }

  async #change(asked: Followed["topics"], patience: number, signal: AbortSignal): Promise<void> {
    const woken = Promise.withResolvers<void>();
    const over = new AbortController();
    const followedNow = asked.flatMap(({ topic }) => this.#topics.get(topic) ?? []);
    for (const { wake } of followedNow) wake.add(woken.resolve);
    try {
      await Promise.race([woken.promise, sleep(this.#clock, patience, AbortSignal.any([signal, over.signal]))]);
    } finally {
      for (const { wake } of followedNow) wake.delete(woken.resolve);
      over.abort();
    }
  }
}

function topicsOf({ record: { id }, line: { event } }: Transition): readonly string[] {
  const all = topicsAt(id);
  // Discovery tells an agent what it is called only when it is new, renamed or back.
  return event === "DISCOVERED" ? [...all, topics.agents] : all;
}

function topicsAt(id: ActorId): readonly string[] {
  const { machine, key } = partsOf(id);
  const [first = "", second = ""] = key;
  switch (machine) {
    case "agent":
      return [topics.agent(first), topics.status];
    case "conversation":
      return [topics.agent(first), topics.room(second), topics.status];
    case "outbox":
      return [topics.room(second)];
    default:
      return [topics.status];
  }
}
