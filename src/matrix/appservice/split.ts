import type { Account, Credentials, Homeserver, MatrixClient } from "../port.ts";

/** A homeserver where some users are an application service's and the others log in by themselves. */
export class SplitHomeserver implements Homeserver {
  readonly #ours: Homeserver;
  readonly #others: Homeserver;
  readonly #isOurs: (userId: string) => boolean;

  constructor(ours: Homeserver, others: Homeserver, isOurs: (userId: string) => boolean) {
    this.#ours = ours;
    this.#others = others;
    this.#isOurs = isOurs;
  }

  get serverName(): string {
    return this.#ours.serverName;
  }

  register(account: Account, signal: AbortSignal): Promise<Credentials> {
    return this.#of(this.#userId(account)).register(account, signal);
  }

  login(account: Account, signal: AbortSignal): Promise<Credentials> {
    return this.#of(this.#userId(account)).login(account, signal);
  }

  as(credentials: Credentials): MatrixClient {
    return this.#of(credentials.userId).as(credentials);
  }

  #userId({ localpart }: Account): string {
    return `@${localpart}:${this.serverName}`;
  }

  #of(userId: string): Homeserver {
    return this.#isOurs(userId) ? this.#ours : this.#others;
  }
}
