import type { Account, Credentials, Homeserver, MatrixClient } from "../port.ts";
import type { Bucket } from "./buckets.ts";
import { PacedClient } from "./paced-client.ts";
import type { Pacer } from "./pacer.ts";

/** A homeserver whose users all ask at the pacer's pace. */
export class PacedHomeserver implements Homeserver {
  readonly #homeserver: Homeserver;
  readonly #pacer: Pacer;

  constructor(homeserver: Homeserver, pacer: Pacer) {
    this.#homeserver = homeserver;
    this.#pacer = pacer;
  }

  get serverName(): string {
    return this.#homeserver.serverName;
  }

  register(account: Account, signal: AbortSignal): Promise<Credentials> {
    return this.#run(account, { name: "registering users" }, signal, () => this.#homeserver.register(account, signal));
  }

  login(account: Account, signal: AbortSignal): Promise<Credentials> {
    // Counted by address and by account: one account that is held back must not keep the others out.
    const bucket = { name: `logging in ${account.localpart}`, within: "logging in users" };
    return this.#run(account, bucket, signal, () => this.#homeserver.login(account, signal));
  }

  as(credentials: Credentials): MatrixClient {
    return new PacedClient(this.#homeserver.as(credentials), this.#pacer);
  }

  #run<T>({ localpart }: Account, bucket: Bucket, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const asker = `@${localpart}:${this.serverName}`;
    return this.#pacer.run({ asker, lane: "accounts", urgency: "housekeeping", bucket }, signal, work);
  }
}
