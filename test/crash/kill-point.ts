import type { Boundary, Phase } from "./boundaries.ts";
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
  #phase: Phase | undefined;

  constructor(options: KillPointOptions) {
    this.#options = options;
  }

  arm(arm: Arm | null): void {
    this.#armed = arm ?? undefined;
    this.#passed = 0;
    this.#options.report(arm === null ? { type: "disarmed" } : { type: "armed", id: arm.id });
  }

  pass(boundary: Boundary, subject: Subject): void {
    const { report, now } = this.#options;
    report({ type: "passed", boundary, subject, at: now() });
    if (this.#armed?.boundary === boundary && ++this.#passed >= this.#armed.occurrence) this.#hit(this.#armed, subject);
  }

  /** From here on everything that happens is a part of this phase. */
  begin(phase: Phase): void {
    this.#phase = phase;
    this.pulse();
  }

  /** Something is about to happen, or has just happened, whatever it is. */
  pulse(): void {
    const armed = this.#armed;
    if (armed === undefined || armed.boundary !== this.#phase) return;
    if (++this.#passed >= armed.occurrence) this.#hit(armed, {});
  }

  /** The phase is over: whoever is still armed for it had too much in mind. */
  end(phase: Phase): void {
    if (this.#armed?.boundary === phase) this.#hit(this.#armed, {});
    this.#phase = undefined;
  }

  #hit({ id, boundary, action }: Arm, subject: Subject): void {
    const { report, now, act } = this.#options;
    this.#armed = undefined;
    report({ type: "hit", id, boundary, subject, at: now() });
    act(action);
  }
}
