import type { Account, Credentials, Homeserver, MatrixClient } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { settled } from "../../runtime/simulated-clock.ts";

interface Held {
  readonly user: string;
  readonly what: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Long-polls are told from looks that are answered at once. */
const heldPoll = "held poll";

/** A homeserver that keeps every request waiting until the test has it answered, and counts those it has at once. */
export class HeldHomeserver implements Homeserver {
  readonly serverName = "test";
  isDown = false;
  /** How many requests came, by what they are. */
  readonly came = new Map<string, number>();
  readonly mostAtOnce = new Map<string, number>();
  #held: Held[] = [];

  register({ localpart }: Account): Promise<Credentials> {
    const session = { userId: `@${localpart}:test`, deviceId: "D", accessToken: "secret" };
    return this.#hold(session.userId, "register").then(() => session);
  }

  login(account: Account): Promise<Credentials> {
    return this.register(account);
  }

  as({ userId }: Credentials): MatrixClient {
    return this.user(userId);
  }

  /** Whatever is asked of this client is held. */
  user(userId: string): MatrixClient {
    const ask = (name: string, args: readonly unknown[]) => this.#hold(userId, name === "sync" ? syncOf(args) : name);
    const client: Partial<MatrixClient> = { userId };
    return new Proxy(client, {
      get: (target, name) =>
        name === "userId" ? target.userId : (...args: readonly unknown[]) => ask(String(name), args),
    }) as MatrixClient;
  }

  underWay(what: string): number {
    return this.#held.filter((one) => one.what === what).length;
  }

  /** Answers everything that it has, but for held polls. */
  async answerAll(): Promise<void> {
    await settled();
    const answered = this.#held.filter(({ what }) => what !== heldPoll);
    this.#held = this.#held.filter(({ what }) => what === heldPoll);
    for (const { resolve, reject } of answered)
      if (this.isDown) reject(matrixError("unreachable"));
      else resolve({ nextBatch: "s1" });
    await settled();
  }

  /** Goes on answering until all of it is done. */
  async serve<T>(all: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    all.then(end, end);
    while (!isOver) await this.answerAll();
    return all;
  }

  #hold(user: string, what: string): Promise<unknown> {
    this.came.set(what, (this.came.get(what) ?? 0) + 1);
    return new Promise((resolve, reject) => {
      this.#held.push({ user, what, resolve, reject });
      this.mostAtOnce.set(what, Math.max(this.mostAtOnce.get(what) ?? 0, this.underWay(what)));
    });
  }
}

function syncOf([request]: readonly unknown[]): string {
  return Reflect.get(Object(request), "timeoutMs") === 0 ? "look" : heldPoll;
}
