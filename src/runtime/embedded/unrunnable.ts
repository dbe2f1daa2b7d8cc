import type { ActorId } from "../actor-id.ts";
import type { CrashReport, RestartPolicy } from "../crash.ts";
import { toFailure } from "../failure.ts";
import type { Health } from "../host.ts";
import { RowDamaged } from "./store/seal.ts";

/** An actor's stored record cannot be run by this version of its chart. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
  readonly remedy = "Run the version of letta-matrix that wrote it, or a later one: its records stay as they are.";
}

interface Refused {
  readonly error: Error;
  readonly crash: CrashReport;
}

/**
 * The actors that could not be taken into memory for their record's sake: they take nothing, as those in quarantine, and
 * are shown like them. Another version of the program may have them out, and nothing else.
 */
export class Unrunnable {
  readonly #policy: RestartPolicy;
  readonly #refused = new Map<ActorId, Refused>();

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  get ids(): readonly ActorId[] {
    return [...this.#refused.keys()];
  }

  has(actor: ActorId): boolean {
    return this.#refused.has(actor);
  }

  /** Notes why, where it is for the record's sake. */
  note(actor: ActorId, error: unknown, at: number): void {
    if (!(error instanceof UnreadableRecord || error instanceof RowDamaged)) return;
    const id = `${at}-unreadable`;
    const crash = { id, actor, at, incarnation: 0, stimulus: "start", error: toFailure(error), journal: [] };
    this.#refused.set(actor, { error, crash });
  }

  forget(actor: ActorId): void {
    this.#refused.delete(actor);
  }

  health(actor: ActorId): Health | undefined {
    const { intensity, period } = this.#policy;
    const crash = this.#refused.get(actor)?.crash;
    return crash && { state: "quarantined", crash, crashes: { recent: 0, intensity, period } };
  }

  /** Throws why, for one of them. */
  assertNot(actor: ActorId): void {
    const refused = this.#refused.get(actor);
    if (refused !== undefined) throw refused.error;
  }
}
