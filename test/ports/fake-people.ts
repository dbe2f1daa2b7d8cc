import type { Credentials, PersonalAccounts } from "../../src/matrix/port.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";
import { refusing } from "./refused.ts";

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
    refusing(() => this.#homeserver.assertPassword(found, password));
    return this.#homeserver.sessionOf(found);
  }

  async ownerOf(accessToken: string, signal: AbortSignal): Promise<Credentials> {
    signal.throwIfAborted();
    await Promise.resolve();
    this.#homeserver.note({ user: "", call: "ownerOf", args: [] });
    return refusing(() => this.#homeserver.ownerOf(accessToken));
  }
}
