import { setTimeout as sleep } from "node:timers/promises";
import type { Homeserver } from "../homeserver.ts";
import { shown } from "../shown.ts";
import type { PlacedInRoom } from "../state.ts";
import { concerns, type Pusher, push } from "./pusher.ts";
import type { Appservice } from "./registration.ts";

/** What one look at Synapse's store takes it, ms. In between, other things happen. */
const storeTakes = 2;
/** The longest wait is 2 to the power of that, s. */
const longestBackoff = 9;

/**
 * Pushes as Synapse does (`appservice/scheduler.py`, `handlers/appservice.py`), with the windows that it has:
 * - what has been looked at, and is in no transaction yet, is in memory only;
 * - a transaction that was under way when Synapse was killed stays unsent until some later one fails;
 * - after a restart nothing is sent again before something happens, whatever is pinged;
 * - it cannot end a wait that is over, since it is trying again already: then it refuses the ping;
 * - a transaction that is stored just as the last unsent one has been sent again stays unsent, too.
 */
export class StoredTransactions implements Pusher {
  readonly #homeserver: Homeserver;
  readonly #appservice: Appservice;
  readonly #id: string;
  readonly #queue: PlacedInRoom[] = [];
  #last: number;
  #isLooking = false;
  #isSending = false;
  #hasStarted = false;
  /** Since it could not be reached. */
  #recovery: { timer: NodeJS.Timeout | undefined; backoff: number } | undefined;

  constructor(homeserver: Homeserver, appservice: Appservice) {
    this.#homeserver = homeserver;
    this.#appservice = appservice;
    this.#id = appservice.registration.id;
    this.#last = Math.max(0, ...this.#pushes.unsent.keys());
  }

  look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    setImmediate(() => {
      this.#isLooking = false;
      this.#lookNow();
    });
  }

  get isRetrying(): boolean {
    return this.#recovery !== undefined && this.#recovery.timer === undefined;
  }

  pinged(): void {
    if (this.#recovery?.timer === undefined) return;
    clearTimeout(this.#recovery.timer);
    void this.#retry();
  }

  get #pushes() {
    return this.#homeserver.state.pushesTo(this.#id);
  }

  #lookNow(): void {
    const { state } = this.#homeserver;
    const found = state.after(this.#pushes.handled);
    if (found.length === 0) return;
    const concerned = found.filter((one) => concerns(this.#homeserver, this.#appservice, one));
    this.#queue.push(...concerned);
    state.commit({ what: "pushes handled", service: this.#id, at: state.now.events });
    if (concerned.length === 0) return;
    if (!this.#hasStarted && this.#pushes.isDown) this.#recover();
    this.#hasStarted = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#queue.length > 0)
      await this.#transact(this.#queue.splice(0, this.#homeserver.appserviceOddities.mostEventsInTransaction));
    this.#isSending = false;
  }

  async #transact(ones: readonly PlacedInRoom[]): Promise<void> {
    const { state } = this.#homeserver;
    const { isDown } = this.#pushes;
    await sleep(storeTakes);
    const txnId = ++this.#last;
    state.commit({ what: "pushes stored", service: this.#id, txnId, ats: ones.map(({ placed }) => placed.at) });
    if (isDown) return;
    if (await this.#send(txnId, ones)) state.commit({ what: "pushes sent", service: this.#id, txnId });
    else {
      state.commit({ what: "pushes down", service: this.#id, down: true });
      if (this.#recovery === undefined) this.#recover();
    }
  }

  #recover(): void {
    const recovery = this.#recovery ?? { timer: undefined, backoff: 1 };
    recovery.timer = setTimeout(() => void this.#retry(), 2 ** recovery.backoff * 1_000);
    this.#recovery = recovery;
  }

  async #retry(): Promise<void> {
    const { state } = this.#homeserver;
    const recovery = this.#recovery;
    if (recovery === undefined) return;
    recovery.timer = undefined;
    for (;;) {
      const [oldest] = [...this.#pushes.unsent].sort(([one], [other]) => one - other);
      await sleep(storeTakes);
      if (oldest === undefined) {
        this.#recovery = undefined;
        state.commit({ what: "pushes down", service: this.#id, down: false });
        return;
      }
      const [txnId, ats] = oldest;
      const ones = ats.flatMap((at) => state.placedAt(at) ?? []);
      if (!(await this.#send(txnId, ones))) break;
      state.commit({ what: "pushes sent", service: this.#id, txnId });
      recovery.backoff = 1;
    }
    recovery.backoff = Math.min(longestBackoff, recovery.backoff + 1);
    this.#recover();
  }

  #send(txnId: number, ones: readonly PlacedInRoom[]): Promise<boolean> {
    const events = ones.map(({ room, placed }) => shown(this.#homeserver, room, placed));
    return push(this.#homeserver, this.#appservice, `${txnId}`, events);
  }
}
