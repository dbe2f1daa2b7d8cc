import { type HomeserverAdmin, MatrixError } from "../matrix/port.ts";
import type { Clock } from "../runtime/clock.ts";
import { isLastWord } from "./last-word.ts";
import type { CredentialVault } from "./sessions.ts";

export interface CareOptions {
  readonly admin: HomeserverAdmin;
  readonly vault: CredentialVault;
  readonly clock: Pick<Clock, "now" | "elapsed">;
  /** Whether a user is an agent's or the bot: nobody else's password is ever touched. */
  readonly isOurs: (userId: string) => boolean;
  /** Told, once for each kind of failure, of what an administrator's token should allow and does not. */
  readonly onRefused: (error: unknown) => void;
}

/** Between two new passwords for one user, ms. */
const healingInterval = 3_600_000;
/** Before a user's exemption is asked for again, ms. */
const afterLasting = 3_600_000;
const afterPassing = 300_000;

/** What an administrator's token is good for with our own users. */
export class Care {
  readonly #options: CareOptions;
  /** When those who could not be exempted may be asked for again. */
  readonly #notBefore = new Map<string, number>();
  /** When those got a new password, by the time that passes evenly. */
  readonly #healed = new Map<string, number>();
  /** The kinds of failure that were told of. */
  readonly #told = new Set<string>();

  constructor(options: CareOptions) {
    this.#options = options;
  }

  /**
   * Exempts a user from the rate limits, once in the life of this installation, and tells whether it is exempt. Throws
   * only when it is aborted: whoever logs in must not depend on it.
   */
  async exempt(userId: string, signal: AbortSignal): Promise<boolean> {
    const { admin, vault, clock } = this.#options;
    if (vault.get(exemptionOf(userId)) !== undefined) return true;
    if (clock.elapsed() < (this.#notBefore.get(userId) ?? Number.NEGATIVE_INFINITY)) return false;
    try {
      await admin.liftRateLimits(userId, signal);
      await vault.set(exemptionOf(userId), "yes");
    } catch (error) {
      signal.throwIfAborted();
      this.#giveUpFor(userId, error);
      return false;
    }
    this.#notBefore.delete(userId);
    return true;
  }

  /**
   * Gives a user of ours, whose password somebody has changed, this one, and ends the sessions it has. False when that
   * is not for us to do. Throws when it was done not long ago: somebody works against us, and must not be fought.
   */
  async heal(userId: string, password: string, signal: AbortSignal): Promise<boolean> {
    const { admin, vault, clock, isOurs } = this.#options;
    if (!isOurs(userId)) return false;
    if (clock.elapsed() - this.#lastHealed(userId) < healingInterval)
      throw new MatrixError("forbidden", `the password of ${userId} is refused again soon after it was reset`, {
        remedy:
          "Look for whoever changes it, such as a second installation that serves the same agents, or for a lock on " +
          "the account. It is reset again an hour after the last time.",
      });
    await admin.resetPassword(userId, password, signal);
    this.#healed.set(userId, clock.elapsed());
    await vault.set(healingOf(userId), String(clock.now()));
    return true;
  }

  /** Those whom nothing but trouble has kept from being exempted so far. */
  waiting(): readonly string[] {
    return [...this.#notBefore.keys()];
  }

  /** Of an earlier process only the set time is known. What it says is to come counts as just done. */
  #lastHealed(userId: string): number {
    const { vault, clock } = this.#options;
    const noted = vault.get(healingOf(userId));
    const known = this.#healed.get(userId);
    if (known !== undefined || noted === undefined) return known ?? Number.NEGATIVE_INFINITY;
    const last = clock.elapsed() - Math.max(0, clock.now() - Number(noted));
    this.#healed.set(userId, last);
    return last;
  }

  #giveUpFor(userId: string, error: unknown): void {
    const { clock, onRefused } = this.#options;
    const kind = error instanceof MatrixError ? error.kind : "other";
    // Garbage, too, lasts until somebody has done something about it.
    const isLasting = isLastWord(error) || kind === "malformed";
    this.#notBefore.set(userId, clock.elapsed() + (isLasting ? afterLasting : afterPassing));
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    onRefused(error);
  }
}

function healingOf(userId: string): string {
  return `healed ${userId}`;
}

function exemptionOf(userId: string): string {
  return `exempt ${userId}`;
}
