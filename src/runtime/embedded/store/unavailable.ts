/** Why a store could not be opened. Only what is `closed` may be better in a moment, without anybody's doing anything. */
export type Unavailability =
  /** There is none. */
  | "absent"
  /** Another process has it, or another user. */
  | "taken"
  /** Written by a version that this one cannot follow. */
  | "foreign"
  /** Some of it is lost. */
  | "damaged"
  /** The disk does not let it be opened: it is full, or fails. */
  | "closed";

/** The store could not be opened. What it holds was not changed. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  readonly kind: Unavailability;
  readonly remedy: string;

  constructor(kind: Unavailability, message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.remedy = remedy;
  }
}

export function damaged(where: string, cause?: unknown): StoreUnavailable {
  return new StoreUnavailable("damaged", `the store is damaged: ${where}`, remedyOfDamage, cause);
}

const remedyOfDamage =
  "Restore the data folder from a copy. Without one, move store and store.identity out of it: the next start begins anew, with the users and rooms that the homeserver has.";
