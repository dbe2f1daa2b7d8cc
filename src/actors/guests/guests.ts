import { type Credentials, type Homeserver, MatrixError, type PersonalAccounts } from "../../matrix/port.ts";
import type { FailedLogins } from "./failed-logins.ts";
import { Guest } from "./guest.ts";
import { asGuest, GuestRefused, refusal } from "./refusal.ts";

export interface GuestsOptions {
  readonly people: PersonalAccounts;
  readonly homeserver: Pick<Homeserver, "as" | "serverName">;
  readonly logins: FailedLogins;
  /** Whether the user is an agent's, or the bot. */
  isOurs(userId: string): boolean;
}

export interface LoginWish {
  /** A user id, or its localpart. */
  readonly user: string;
  readonly password: string;
  readonly deviceName: string;
  /** Where it comes from. */
  readonly address: string;
}

/** Lets people in with what is theirs: a password or an access token of the homeserver. Keeps neither. */
export class Guests {
  readonly #options: GuestsOptions;

  constructor(options: GuestsOptions) {
    this.#options = options;
  }

  /** Throws {@link GuestRefused}. What it gives is the guest's own, and to be shown to nobody else. */
  async logIn({ user, password, deviceName, address }: LoginWish, signal: AbortSignal): Promise<Credentials> {
    const { people, logins, homeserver } = this.#options;
    const userId = user.startsWith("@") ? user : `@${user}:${homeserver.serverName}`;
    if (!userId.endsWith(`:${homeserver.serverName}`)) throw refusal("elsewhere");
    this.#assertNotOurs(userId);
    const login = () => people.logIn(userId, password, deviceName, signal);
    try {
      const session = await logins.attempt(userId, address, isOfKind("forbidden"), login);
      await this.#giveBackIfOurs(session, signal);
      return session;
    } catch (error) {
      if (!isOfKind("forbidden")(error)) return await asGuest(Promise.reject(error));
      const remedy = "Check the user id and the password.";
      throw new GuestRefused("stranger", "the user id or the password is wrong", { remedy, cause: error });
    }
  }

  /** Whoever holds this token. Throws {@link GuestRefused} where it is nobody's, or one of ours. */
  async enter(accessToken: string, signal: AbortSignal): Promise<Guest> {
    const { people, homeserver } = this.#options;
    const owner = await asGuest(people.ownerOf(accessToken, signal));
    this.#assertNotOurs(owner.userId);
    return new Guest(homeserver.as(owner));
  }

  /** Homeservers find users by names that are spelled otherwise, too. */
  async #giveBackIfOurs(session: Credentials, signal: AbortSignal): Promise<void> {
    const { homeserver, isOurs } = this.#options;
    if (!isOurs(session.userId)) return;
    await homeserver.as(session).logOut(signal);
    throw refusal("ours");
  }

  #assertNotOurs(userId: string): void {
    if (this.#options.isOurs(userId.toLowerCase())) throw refusal("ours");
  }
}

function isOfKind(kind: MatrixError["kind"]): (error: unknown) => boolean {
  return (error) => error instanceof MatrixError && error.kind === kind;
}
