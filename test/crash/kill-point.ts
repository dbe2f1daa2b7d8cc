import type { Boundary } from "./boundaries.ts";
import type { Arm, Report, Subject } from "./protocol.ts";

export interface KillPointOptions {
  /** Must have left the process when it returns: it may not live on. */
  readonly report: (report: Report) => void;
  readonly now: () => number;
  /** Ends the process, or keeps all of it from going on until the driver says so. */
  readonly act: (action: Arm["action"]) => void;
}

/** Counts what passes each boundary, and stops the process at the one it is armed for. */
export class KillPoint {
  readonly #options: KillPointOptions;
  #armed: Arm | undefined;
  #passed = 0;

  constructor(options: KillPointOptions) {
    this.#options = options;
  }

  arm(arm: Arm | null): void {
    this.#armed = arm ?? undefined;
    this.#passed = 0;
    if (arm !== null) this.#options.report({ type: "armed", id: arm.id });
  }

  pass(boundary: Boundary, subject: Subject): void {
    const { report, now, act } = this.#options;
    report({ type: "passed", boundary, subject, at: now() });
    if (this.#armed?.boundary !== boundary || ++this.#passed < this.#armed.occurrence) return;
    const { id, action } = this.#armed;
    this.#armed = undefined;
    report({ type: "hit", id, boundary, subject, at: now() });
    act(action);
  }
}
