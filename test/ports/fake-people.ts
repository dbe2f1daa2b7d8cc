import type { Credentials, PersonalAccounts } from "../../src/matrix/port.ts";
import { type FakeHomeserver, matrixError } from "./fake-homeserver.ts";

/** People's sessions at a {@link FakeHomeserver}. */
export class FakePeople implements PersonalAccounts {
  /** Names by which the homeserver finds a user who is called otherwise. */
  readonly spellings = new Map<string, string>();
  readonly #homeserver: FakeHomeserver;

  constructor(homeserver: FakeHomeserver) {
    this.#homeserver = homeserver;
  }

  async logIn(userId: string, password: string, deviceName: string, signal: AbortSignal): Promise<Credentials> {
    signal.throwIfAborted();
    await Promise.resolve();
    this.#homeserver.note({ user: userId, call: "logIn", args: [deviceName] });
    const found = this.spellings.get(userId) ?? userId;
    const kept = this.#homeserver.passwords.get(found);
    if (kept === undefined || kept !== password) throw matrixError("forbidden");
    return this.#homeserver.sessionOf(found);
  }

  async ownerOf(accessToken: string, signal: AbortSignal): Promise<Credentials> {
    signal.throwIfAborted();
    await Promise.resolve();
    this.#homeserver.note({ user: "", call: "ownerOf", args: [] });
    const owner = this.#homeserver.sessions.find((session) => session.accessToken === accessToken);
    if (owner === undefined) throw matrixError("token");
    return owner;
  }
}
