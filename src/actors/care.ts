import { type HomeserverAdmin, MatrixError } from "../matrix/port.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CredentialVault } from "./sessions.ts";

export interface CareOptions {
  readonly admin: HomeserverAdmin;
  readonly vault: CredentialVault;
  readonly clock: Pick<Clock, "now">;
  /** Whether a user is an agent's or the bot: nobody else's password is ever touched. */
  readonly isOurs: (userId: string) => boolean;
  /** Told of what an administrator's token should allow and does not; everything goes on without it. */
  readonly onRefused: (error: MatrixError) => void;
}

/** What asking again will not change, so that nobody should wait for it. */
const lasting: ReadonlySet<string> = new Set(["forbidden", "refused", "unsupported", "missing"]);

/** Between two new passwords for one user, and after a refusal, ms. */
const interval = 3_600_000;

/** What an administrator's token is good for with our own users. */
export class Care {
  readonly #options: CareOptions;
  /** When it was refused to exempt them. */
  readonly #refused = new Map<string, number>();

  constructor(options: CareOptions) {
    this.#options = options;
  }

  /** Exempts a user from the rate limits, once in the life of this installation. */
  async exempt(userId: string, signal: AbortSignal): Promise<void> {
    const { admin, vault, clock, onRefused } = this.#options;
    if (vault.get(exemptionOf(userId)) !== undefined) return;
    if (clock.now() - (this.#refused.get(userId) ?? Number.NEGATIVE_INFINITY) < interval) return;
    try {
      await admin.liftRateLimits(userId, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && lasting.has(error.kind))) throw error;
      this.#refused.set(userId, clock.now());
      onRefused(error);
      return;
    }
    await vault.set(exemptionOf(userId), "yes");
  }

  /**
   * Gives a user of ours, whose password somebody has changed, this one, and ends the sessions it has. False when that
   * is not for us to do. Throws when it was done not long ago: somebody works against us, and must not be fought.
   */
  async heal(userId: string, password: string, signal: AbortSignal): Promise<boolean> {
    const { admin, vault, clock, isOurs } = this.#options;
    if (!isOurs(userId)) return false;
    const last = Number(vault.get(healingOf(userId)));
    if (clock.now() - last < interval)
      throw new MatrixError("forbidden", `the password of ${userId} is refused again soon after it was reset`, {
        remedy:
          "Look for whoever changes it, such as a second installation that serves the same agents, or for a lock on " +
          "the account. It is reset again an hour after the last time.",
      });
    await admin.resetPassword(userId, password, signal);
    await vault.set(healingOf(userId), String(clock.now()));
    return true;
  }
}

function healingOf(userId: string): string {
  return `healed ${userId}`;
}

function exemptionOf(userId: string): string {
  return `exempt ${userId}`;
}
