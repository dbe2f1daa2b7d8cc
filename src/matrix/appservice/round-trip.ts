import { AppserviceHomeserver } from "./homeserver.ts";
import { AppservicePushes } from "./pushes.ts";

export interface RoundTripOptions {
  readonly baseUrl: string;
  readonly serverName: string;
  readonly id: string;
  readonly asToken: string;
  readonly hsToken: string;
  readonly listen: string;
}

/** Looks from outside whether the homeserver reaches the address that it pushes to. */
export class RoundTrip {
  readonly #options: RoundTripOptions;
  readonly #homeserver: AppserviceHomeserver;

  constructor(options: RoundTripOptions) {
    this.#options = options;
    this.#homeserver = new AppserviceHomeserver(options);
  }

  /** Only where nothing runs: it listens itself meanwhile, and what is pushed then is refused, and comes again. */
  async roundTrip(signal: AbortSignal): Promise<void> {
    const { id, listen, hsToken } = this.#options;
    const pushes = new AppservicePushes({ id, listen, hsToken, api: this.#homeserver.itself });
    await pushes.listen();
    try {
      await pushes.ping(signal);
    } finally {
      await pushes.close();
    }
  }

  close(): void {
    this.#homeserver.close();
  }
}
