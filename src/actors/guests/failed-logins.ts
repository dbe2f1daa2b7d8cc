import type { Clock } from "../../runtime/clock.ts";
import { GuestRefused } from "./refusal.ts";

/** How often a login may fail within `withinMs`, before no further one is tried. */
export interface LoginLimits {
  readonly perUser: number;
  readonly perAddress: number;
  readonly withinMs: number;
}

export const defaultLoginLimits: LoginLimits = { perUser: 10, perAddress: 30, withinMs: 15 * 60_000 };

/** Names that are remembered before those without a late failure are dropped. */
const sweepAt = 1_000;

/**
 * Counts failed logins by user and by address, and refuses more than a few: whoever guesses passwords asks in vain. One
 * that is under way counts as failed, so that asking for many at once gains nothing.
 */
export class FailedLogins {
  readonly #clock: Pick<Clock, "elapsed">;
  readonly #limits: LoginLimits;
  readonly #failures = new Map<string, number[]>();

  constructor(clock: Pick<Clock, "elapsed">, limits: LoginLimits = defaultLoginLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Throws {@link GuestRefused} without trying where too many have failed. */
  async attempt<T>(userId: string, address: string, isFailure: (error: unknown) => boolean, login: () => Promise<T>) {
    const { perUser, perAddress } = this.#limits;
    const counted = [
      { name: `user ${userId.toLowerCase()}`, most: perUser },
      { name: `address ${address}`, most: perAddress },
    ];
    for (const { name, most } of counted) this.#assertFewer(name, most);
    const at = this.#clock.elapsed();
    for (const { name } of counted) this.#note(name, at);
    try {
      const session = await login();
      for (const { name } of counted) this.#forget(name, at);
      return session;
    } catch (error) {
      if (!isFailure(error)) for (const { name } of counted) this.#forget(name, at);
      throw error;
    }
  }

  #assertFewer(name: string, most: number): void {
    const late = this.#late(name);
    const [oldest] = late.slice(-most);
    if (late.length < most || oldest === undefined) return;
    throw new GuestRefused("limited", "too many logins have failed", {
      remedy: "Wait as long as Retry-After says, then try again with the right password.",
      retryAfterMs: Math.max(0, oldest + this.#limits.withinMs - this.#clock.elapsed()),
    });
  }

  #late(name: string): number[] {
    const since = this.#clock.elapsed() - this.#limits.withinMs;
    return (this.#failures.get(name) ?? []).filter((at) => at > since);
  }

  #note(name: string, at: number): void {
    if (!this.#failures.has(name) && this.#failures.size >= sweepAt) this.#sweep();
    this.#failures.set(name, [...this.#late(name), at]);
  }

  #forget(name: string, at: number): void {
    const late = this.#late(name);
    const index = late.indexOf(at);
    if (index >= 0) late.splice(index, 1);
    if (late.length === 0) this.#failures.delete(name);
    else this.#failures.set(name, late);
  }

  /** The addresses bound how many users are remembered: each name costs one of its address's failures. */
  #sweep(): void {
    for (const name of this.#failures.keys()) if (this.#late(name).length === 0) this.#failures.delete(name);
  }
}
