import type { ActorId } from "../actor-id.ts";

/** Of the keys of all actors' records. */
export const recordPrefix = "r|";

/** Of the keys of what was taken from outside for actors that could not take it. */
export const backlogPrefix = "p|";

/**
 * The store's key ranges. Actor ids are percent-encoded, so `|` separates parts without doubt; numbers are padded, so
 * that keys sort as they count.
 */
const number = (value: number): string => String(value).padStart(15, "0");

const afterAll = number(999_999_999_999_999);

export const keys = {
  record: (id: ActorId) => `${recordPrefix}${id}`,
  journal: (id: ActorId, revision: number) => `j|${id}|${number(revision)}`,
  /** An effect that is to run or runs: where it came from, in order. */
  effect: (id: ActorId, revision: number, n: number) => `o|${id}|${number(revision)}|${number(n)}`,
  /** An action that is done once more. Its number is larger than that of any revision: it comes after all others. */
  replayed: (id: ActorId, sequence: number) => `o|${id}|${afterAll}|${number(sequence)}`,
  /** How far an effect has come. */
  checkpoint: (effectKey: string) => `k${effectKey.slice(1)}`,
  timer: (id: ActorId, timer: string) => `t|${id}|${timer}`,
  /** Something undelivered. `sequence` orders all of the store's inbox entries. */
  inbox: (id: ActorId, sequence: number) => `i|${id}|${number(sequence)}`,
  /** Something from outside that waits before the inbox. `sequence` orders all of them. */
  backlog: (id: ActorId, sequence: number) => `${backlogPrefix}${id}|${number(sequence)}`,
  /** An event id that the actor has taken. */
  seen: (id: ActorId, event: string) => `s|${id}|${event}`,
  crash: (id: ActorId, at: number, incarnation: number) => `c|${id}|${number(at)}|${number(incarnation)}`,
  deadLetter: (id: ActorId, sequence: number) => `d|${id}|${number(sequence)}`,
  vault: (name: string) => `v|${name}`,
  /** A row of a ledger. */
  ledger: (name: string, position: number) => `l|${name}|${number(position)}`,
  ledgerOf: (name: string) => `l|${name}|`,
} as const;

/** From and up to all keys that begin with `prefix`. */
export function rangeOf(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix}\uffff` };
}

/** The actor of a key of any of the ranges by actor. */
export function actorOfKey(key: string): ActorId {
  return key.split("|")[1] as ActorId;
}

/** What follows the actor in a key. It may hold a `|` itself: ids of timers and events come from charts. */
export function tailOfKey(key: string): string {
  return key.split("|").slice(2).join("|");
}

/** The number of the store's own count that a key was made with; 0 when it was made with none. */
export function sequenceOfKey(key: string): number {
  const [first = "", second = ""] = tailOfKey(key).split("|");
  if (key.startsWith("i|") || key.startsWith("d|")) return Number(first);
  return key.startsWith("o|") && first === afterAll ? Number(second) : 0;
}
