/** Why a store could not be opened. Only what is `closed` may be better in a moment, without anybody's doing anything. */
export type Unavailability =
  /** There is none. */
  | "absent"
  /** Another process has it, or this user may not. */
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

/** For what could not be read: it is damaged if it was read and is wrong; where the system refused it, all may be there. */
export function cannotRead(what: string, error: unknown): StoreUnavailable {
  const message = `${what} cannot be read`;
  return isRefusal(error) ? refused(message, error) : damaged(message, error);
}

/** For what the system did not let us do. */
export function refused(what: string, error: unknown): StoreUnavailable {
  const [, kind, remedy] = refusals.find(([reason]) => reason.test(saidBy(error))) ?? otherwise;
  // Where nothing else is told, the reason is: a terminal shows no causes.
  const reason = messageOf(Object(error).cause) || messageOf(error);
  const message = remedy !== otherwise[2] || what.includes(reason) ? what : `${what}: ${reason}`;
  return new StoreUnavailable(kind, message, remedy, error);
}

const refusals: readonly (readonly [RegExp, Unavailability, string])[] = [
  [
    /EACCES|EPERM|Permission denied|not permitted/,
    "taken",
    "Nothing is lost. Give the data folder and all that is in it to the user who runs the program (chown -R), who must be able to read and write it.",
  ],
  [
    /EROFS|Read-only file system/,
    "closed",
    "Nothing is lost. Mount the disk of the data folder so that it can be written.",
  ],
  [/EMFILE|ENFILE|Too many open files/, "closed", "Nothing is lost. Let the program open more files (ulimit -n)."],
  [
    /\bEIO\b|Input\/output error/,
    "closed",
    "The disk of the data folder fails: see the system's log, and mend or replace it.",
  ],
];
const otherwise = [/./, "closed", "See the cause: the disk may be full, or fail."] as const;

/** Whether the system said no. LevelDB says only in words that it did, and calls a file that was cut off an I/O error, too. */
function isRefusal(error: unknown): boolean {
  const { errno } = Object(error);
  return (
    (typeof errno === "number" && codeOf(error) !== "ENOENT") || refusals.some(([reason]) => reason.test(saidBy(error)))
  );
}

function saidBy(error: unknown): string {
  return `${codeOf(error)} ${messageOf(error)} ${messageOf(Object(error).cause)}`;
}

function codeOf(error: unknown): string {
  return String(Object(error).code ?? "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

export function damaged(where: string, cause?: unknown): StoreUnavailable {
  return new StoreUnavailable("damaged", `the store is damaged: ${where}`, remedyOfDamage, cause);
}

export const remedyOfDamage =
  "Restore the data folder from a backup (`letta-matrix restore --replace`). Without one, keep what can be read with `letta-matrix repair`; or move store and store.identity out of it: the next start begins anew, with the users and rooms that the homeserver has.";
