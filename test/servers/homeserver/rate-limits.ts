import { Fault } from "./fault.ts";
import type { HomeserverOddities } from "./oddities.ts";

/** What can be limited, each with how often it may happen: a second, and at once. Synapse's defaults. */
const limits = {
  message: [0.2, 10],
  registration: [0.17, 3],
  loginByAddress: [0.003, 5],
  loginByAccount: [0.003, 5],
  failedLogin: [0.17, 3],
  join: [0.1, 10],
  roomCreation: [0.016, 10],
  inviteByRoom: [0.3, 10],
  inviteByInvitee: [0.003, 5],
  inviteByIssuer: [0.3, 10],
} as const satisfies Record<string, readonly [perSecond: number, burst: number]>;

export type Limit = keyof typeof limits;

/** So many requests at once, and room for another one after each pause (Dendrite). */
const burst = { count: 5, pauseMs: 500 };

interface Bucket {
  count: number;
  since: number;
}

/** Counts what is done, and refuses what is too much. It forgets with its process, as servers do. */
export class RateLimits {
  readonly #kind: HomeserverOddities["rateLimits"];
  readonly #buckets = new Map<string, Bucket>();

  constructor(kind: HomeserverOddities["rateLimits"]) {
    this.#kind = kind;
  }

  /** Throws when `key` has done this too often. `update`: whether it counts from now on. */
  take(limit: Limit, key: string, { update = true } = {}): void {
    if (this.#kind === "none") return;
    const [perSecond, most] = this.#kind === "synapse" ? limits[limit] : ([1000 / burst.pauseMs, burst.count] as const);
    const name = this.#kind === "synapse" ? `${limit} ${key}` : key;
    const now = Date.now();
    const bucket = this.#buckets.get(name) ?? { count: 0, since: now };
    const level = bucket.count - ((now - bucket.since) / 1000) * perSecond;
    if (level < 0) Object.assign(bucket, { count: 0, since: now });
    if (Math.max(0, level) > most - 1) {
      const allowedAt = bucket.since + ((bucket.count - most + 1) / perSecond) * 1000;
      const wait = this.#kind === "synapse" ? Math.max(0, Math.ceil(allowedAt - now)) : burst.pauseMs;
      throw new Fault(429, "M_LIMIT_EXCEEDED", "Too Many Requests", { retry_after_ms: wait });
    }
    if (!update) return;
    bucket.count += 1;
    this.#buckets.set(name, bucket);
  }
}
