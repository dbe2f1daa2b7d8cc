import type { ActorId } from "../actor-id.ts";
import type { Clock } from "../clock.ts";
import type { CrashReport, RestartPolicy } from "../crash.ts";
import type { Notice, Transition } from "../host.ts";
import type { Reply } from "../step.ts";
import type { RestartBudget } from "../supervision/restart-budget.ts";
import type { Cell } from "./cell.ts";
import type { RunnerOptions } from "./effect-runner.ts";
import type { Item } from "./rows.ts";
import type { Store, Write } from "./store.ts";
import type { TimerSet } from "./timer-set.ts";

/** What all cells of a host share. */
export interface CellHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: TimerSet;
  readonly policy: RestartPolicy;
  readonly budget: RestartBudget;
  readonly mailboxLimit: number;
  readonly runner: RunnerOptions;
  /** A number larger than that of every row that is or was in the store since the host started. */
  sequence(): number;
  /** Writes along with the next commit, or soon. For what may be lost, as it is safe to repeat. */
  ride(writes: readonly Write[]): void;
  /** Gives an event to another actor; its row is in the store already. */
  forward(to: ActorId, item: Item): void;
  /** Tells of an item in the store that could not be taken: it is tried again with the next start. */
  untaken(actor: ActorId, error: unknown): void;
  reply(reply: Reply): void;
  /** Called after each commit. */
  committed(transition: Transition): void;
  crashed(report: CrashReport): void;
  notice(notice: Notice): void;
  /** Called whenever the cell may have become idle. */
  rest(cell: Cell): void;
}
