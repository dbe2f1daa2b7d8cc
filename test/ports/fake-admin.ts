import type { Content, Credentials, HomeserverAdmin } from "../../src/matrix/port.ts";
import { Fault } from "../servers/homeserver/fault.ts";
import { levelOf, powerOf } from "../servers/homeserver/power.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";
import { refusing } from "./refused.ts";

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
      const { governed, members } = room;
      const powers = members.map((member) => powerOf(governed, member));
      const power = Math.max(...powers, 0);
      const helper = members[powers.indexOf(power)];
      if (helper === undefined || power < levelOf(governed, "state_default"))
        throw new Fault(400, "M_UNKNOWN", "No local admin user in room");
      const levels: Content = room.state("m.room.power_levels", "") ?? {};
      const content = { ...levels, users: { [helper]: power, ...Object(levels["users"]), [userId]: power } };
      this.#server.post(roomId, { sender: helper, type: "m.room.power_levels", stateKey: "", content });
      if (room.membershipOf(userId) !== "join") this.#server.setMember(roomId, userId, "invite", helper);
    });
  }

  async #do<T>(call: string, args: readonly unknown[], work: () => T): Promise<T> {
    await Promise.resolve();
    this.#server.note({ user: this.userId, call, args });
    return refusing(work);
  }
}
