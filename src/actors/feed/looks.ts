import { v4 } from "uuid";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Delivery } from "../../runtime/backlog.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Host } from "../../runtime/host.ts";
import type { Residents } from "./residents.ts";

export interface LooksOptions {
  readonly host: Pick<Host, "subscribe">;
  readonly residents: Pick<Residents, "all" | "standingOf">;
  readonly clock: Clock;
}

/** Each look costs the homeserver a sync. */
const mostAtOnce = 8;
/** How long the next one waits for one that does not get through with its look, ms. */
const patience = 30_000;

/**
 * Who has yet to look back at what was said, since the homeserver may not have pushed it. Whoever is given something
 * looks first, so that what was said before it is answered before it; all others look one after the other.
 *
 * A homeserver that could not push for a while pushes what is said now before what it has kept from then. So one look is not
 * enough: until it is over with that, whatever is pushed to an agent has it look first.
 */
export class Looks {
  readonly #options: LooksOptions;
  readonly #owing = new Set<ActorId>();
  /** Those among them whose turn came while they were looking, or could not be given it: nothing else may ever have them look. */
  readonly #overdue = new Set<ActorId>();
  /** What is pushed may be newer than something that is pushed later. */
  #isDoubtful = false;
  /** Called at each step of an agent that is looking. */
  readonly #looking = new Map<ActorId, () => void>();

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Nothing that was said up to now is certain to have been pushed to anybody. */
  owe(): void {
    this.#isDoubtful = true;
    for (const { actor } of this.#options.residents.all()) this.#owing.add(actor);
  }

  /** From now on what is pushed is pushed in its order, and all of it. */
  settle(): void {
    this.#isDoubtful = false;
  }

  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** Something is pushed to an agent, which is not given it yet. */
  pushed(actor: ActorId): void {
    if (this.#isDoubtful) this.#owing.add(actor);
  }

  /** Whose turn is over: they are to look as soon as they can. */
  get overdue(): ReadonlySet<ActorId> {
    return this.#overdue;
  }

  /** What an agent has to be given before anything else; whoever asks gives it. */
  firstOf(actor: ActorId): Delivery | undefined {
    // One that is looking may have begun before it was owed.
    const isDue = this.#owing.has(actor) && this.#options.residents.standingOf(actor) === "open";
    return isDue ? this.#pay(actor) : undefined;
  }

  /** It could not be given what {@link firstOf} said. */
  putBack(actor: ActorId): void {
    this.#owing.add(actor);
    this.#overdue.add(actor);
  }

  /** Has all of them look back, each by what `give` does. Those who are looking are {@link overdue}. */
  async all(give: (actor: ActorId, delivery: Delivery) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { host, residents } = this.#options;
    const unsubscribe = host.subscribe(({ record }) => this.#looking.get(record.id)?.());
    const left = [...residents.all()].values();
    const some = async (): Promise<void> => {
      for (const { actor } of left) {
        signal.throwIfAborted();
        const standing = residents.standingOf(actor);
        if (standing === "looking" && this.#owing.has(actor)) this.#overdue.add(actor);
        if (standing !== "open") continue;
        await give(actor, this.#pay(actor));
        await this.#untilDone(actor, signal);
      }
    };
    try {
      await Promise.all(Array.from({ length: mostAtOnce }, some));
    } finally {
      unsubscribe();
    }
  }

  #pay(actor: ActorId): Delivery {
    this.#owing.delete(actor);
    this.#overdue.delete(actor);
    return { event: { type: "LOOK_BACK" }, id: v4() };
  }

  #untilDone(actor: ActorId, signal: AbortSignal): Promise<void> {
    const isLooking = (): boolean => this.#options.residents.standingOf(actor) === "looking";
    return new Promise((resolve) => {
      if (signal.aborted || !isLooking()) return resolve();
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        this.#looking.delete(actor);
        resolve();
      };
      const cancel = this.#options.clock.schedule(patience, done);
      signal.addEventListener("abort", done, { once: true });
      this.#looking.set(actor, () => isLooking() || done());
    });
  }
}
