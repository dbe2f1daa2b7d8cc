import type { Content, Credentials, HomeserverAdmin } from "../../src/matrix/port.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";

/** An administrator of a {@link FakeHomeserver}; its requests are noted, and can be made to fail, like all others. */
export class FakeAdmin implements HomeserverAdmin {
  readonly userId: string;
  /** Whose limits are lifted. */
  readonly exempted = new Set<string>();
  readonly #server: FakeHomeserver;

  constructor(server: FakeHomeserver, userId = "@root:test") {
    this.#server = server;
    this.userId = userId;
  }

  session(_signal: AbortSignal): Promise<Credentials> {
    return this.#do("session", [], () => this.#server.sessionOf(this.userId));
  }

  exists(userId: string, _signal: AbortSignal): Promise<boolean> {
    return this.#do("exists", [userId], () => this.#server.passwords.has(userId));
  }

  liftRateLimits(userId: string, _signal: AbortSignal): Promise<void> {
    return this.#do("liftRateLimits", [userId], () => void this.exempted.add(userId));
  }

  resetPassword(userId: string, password: string, _signal: AbortSignal): Promise<void> {
    return this.#do("resetPassword", [userId, password], () => {
      this.#server.passwords.set(userId, password);
      this.#server.refuseTokens(userId);
    });
  }

  makeRoomAdmin(roomId: string, userId: string, _signal: AbortSignal): Promise<void> {
    return this.#do("makeRoomAdmin", [roomId, userId], () => {
      const room = this.#server.room(roomId);
      const levels: Content = room.state("m.room.power_levels", "") ?? {};
      const content = { ...levels, users: { ...Object(levels["users"]), [userId]: 100 } };
      this.#server.post(roomId, { sender: this.userId, type: "m.room.power_levels", stateKey: "", content });
      if (room.membershipOf(userId) !== "join") this.#server.setMember(roomId, userId, "invite", this.userId);
    });
  }

  async #do<T>(call: string, args: readonly unknown[], work: () => T): Promise<T> {
    await Promise.resolve();
    this.#server.note({ user: this.userId, call, args });
    return work();
  }
}
