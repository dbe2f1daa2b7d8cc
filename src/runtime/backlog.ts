import type { ActorId } from "./actor-id.ts";
import type { ActorEvent } from "./record.ts";

/** An event that an actor is to be given, as `Host.accept` takes it. */
export interface Delivery {
  readonly event: ActorEvent;
  readonly id: string;
}

/** One that is in the backlog. */
export interface Waiting extends Delivery {
  readonly key: string;
}

/**
 * What was taken from outside for actors that cannot take it now: durable, and for each actor in its order. A mailbox is
 * held in memory and so is bounded; this is on disk only.
 */
export interface Backlog {
  /** How many deliveries each actor waits for; those with none are left out. */
  counts(): Promise<ReadonlyMap<ActorId, number>>;
  /** Durable when it resolves. */
  add(actor: ActorId, deliveries: readonly Delivery[]): Promise<void>;
  /** The oldest one. */
  first(actor: ActorId): Promise<Waiting | undefined>;
  /** Those with these ids, oldest first: all that waits for the actor is read once. */
  among(actor: ActorId, ids: ReadonlySet<string>): Promise<readonly Waiting[]>;
  /** Puts another one in its place. */
  replace(key: string, delivery: Delivery): Promise<void>;
  /** Forgets one that has been delivered, or is not to be. */
  remove(actor: ActorId, key: string): Promise<void>;
  /** Forgets all of an actor's. */
  clear(actor: ActorId): Promise<void>;
}
