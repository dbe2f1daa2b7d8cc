import { type Clock, sleep } from "../clock.ts";
import { Backoff, type BackoffPolicy } from "../supervision/backoff.ts";
import type { OpenStore } from "./open.ts";
import { StoreUnavailable } from "./store/unavailable.ts";
import { type Store, type StoreFailed, Vault } from "./store.ts";

/** Who lives on a store: begins anew with each opening. */
export interface Tenant {
  begin(store: Store): Promise<void>;
  /** Lets go of the store that has failed. */
  end(): Promise<void>;
}

export interface ReopeningOptions {
  /** Throws {@link StoreUnavailable}. */
  open(onFailure: (error: StoreFailed) => void): Promise<OpenStore>;
  /** Rejects as long as opening it would not help. */
  assertRoom(): Promise<void>;
  readonly clock: Clock;
  /** Between two tries. */
  readonly backoff?: BackoffPolicy;
  onClosed(error: StoreUnavailable): void;
  onReopened(): void;
  /** It cannot be opened again, and waiting will not help. */
  onLost(error: unknown): void;
}

const defaultBackoff: BackoffPolicy = { minBackoff: 1_000, maxBackoff: 60_000 };

/**
 * A store that outlives a full or failing disk: once a write has failed nothing is written on top of what may be half of
 * it. The store is closed, opened again when there is room, and holds then what was acknowledged, at least.
 */
export class ReopeningStore {
  readonly #options: ReopeningOptions;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #opened: OpenStore | undefined;
  #tenant: Tenant | undefined;
  #failure: StoreUnavailable | undefined;
  #recovery: Promise<void> = Promise.resolve();
  #recovers = false;
  /** Of whichever store is open. */
  readonly vault = new Vault({
    get: (key) => this.current.get(key),
    commit: async (writes) => this.current.commit(writes),
    scan: (prefix, after) => this.current.scan(prefix, after),
  });

  private constructor(options: ReopeningOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff ?? defaultBackoff, options.clock.elapsed());
  }

  /** Throws {@link StoreUnavailable} when it cannot be opened now: who starts the program is there to hear it. */
  static async open(options: ReopeningOptions): Promise<ReopeningStore> {
    const store = new ReopeningStore(options);
    await store.#open();
    return store;
  }

  /** Set from the moment when a write fails until it is open again. */
  get unavailable(): StoreUnavailable | undefined {
    return this.#failure;
  }

  /** Throws {@link StoreUnavailable} while none is open. */
  get current(): Store {
    return this.#present.store;
  }

  /** When it was made, or came out of a backup, ms since the epoch. Throws {@link StoreUnavailable} while none is open. */
  get madeAt(): number {
    return this.#present.madeAt;
  }

  /** Who is to be ended before it is closed after a failure, and begun when it is open again. */
  letTo(tenant: Tenant): void {
    this.#tenant = tenant;
  }

  /** Ends its coming back, too. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the program ends"));
    await this.#recovery;
    await this.#shut();
  }

  get #present(): OpenStore {
    if (this.#opened === undefined) throw this.#failure ?? closed(new Error("the program ends"));
    return this.#opened;
  }

  async #open(): Promise<void> {
    const opened: OpenStore = await this.#options.open((error) => {
      if (this.#opened === opened) this.#fail(error);
    });
    this.#opened = opened;
  }

  async #shut(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.close();
  }

  #fail(error: StoreFailed): void {
    this.#failure = closed(error);
    if (this.#recovers) return;
    this.#recovers = true;
    this.#options.onClosed(this.#failure);
    this.#recovery = this.#recover().catch((lost: unknown) => {
      if (!this.#closing.signal.aborted) this.#options.onLost(lost);
    });
  }

  async #recover(): Promise<void> {
    const { clock, assertRoom, onReopened } = this.#options;
    for (let attempt = 1; this.#failure !== undefined; attempt++) {
      await this.#tenant?.end();
      // One that cannot be closed cannot be opened either, which will be seen.
      await this.#shut().catch(() => undefined);
      await sleep(clock, this.#backoff.failed(clock.elapsed(), String(attempt)), this.#closing.signal);
      try {
        await assertRoom();
        await this.#open();
        this.#backoff.begun(clock.elapsed());
      } catch (error) {
        if (error instanceof StoreUnavailable && error.kind !== "closed" && error.kind !== "taken") throw error;
        continue;
      }
      await this.#begin(this.current);
    }
    // In the same moment in which it was seen to be open: the next failure begins another recovery.
    this.#recovers = false;
    onReopened();
  }

  /** What fails now fails for the store's sake, if that has failed once more. */
  async #begin(store: Store): Promise<void> {
    this.#failure = undefined;
    try {
      await this.#tenant?.begin(store);
    } catch (error) {
      if (this.unavailable === undefined) throw error;
    }
  }
}

function closed(cause: Error): StoreUnavailable {
  const why = cause.cause instanceof Error ? cause.cause.message : cause.message;
  return new StoreUnavailable(
    "closed",
    `the store is closed, since it could not be written: ${why}`,
    "Free room on the disk of the data folder, or mend it: the program sees that by itself, and goes on. Until then it takes nothing.",
    cause,
  );
}
