import { ClientServerClient } from "./client.ts";
import { type ClientServerLimits, type ClientServerOptions, connectionsWithin } from "./connections.ts";
import type { OnMalformed } from "./event.ts";
import type { HttpConnections } from "./http.ts";
import { logIn, toCredentials } from "./login.ts";
import { MatrixApi } from "./matrix-api.ts";
import { nameNewUser } from "./new-user.ts";
import { ClientServerPeople } from "./people.ts";
import {
  type Account,
  type Credentials,
  type Homeserver,
  type HomeserverAdmin,
  type MatrixClient,
  MatrixError,
  type PersonalAccounts,
} from "./port.ts";
import { type Registration, register } from "./registration.ts";
import { SynapseAdmin } from "./synapse-admin.ts";

export type { ClientServerLimits, Registration };

export interface ClientServerConfig {
  /** Where clients reach the homeserver, without `/_matrix`. */
  readonly baseUrl: string;
  /** The part after the colon in its user ids. */
  readonly serverName: string;
  /** Left out where nobody is to be registered this way. */
  readonly registration?: Registration | undefined;
}

/** A homeserver as its ordinary clients see it: each user logs in and polls by itself. */
export class ClientServerHomeserver implements Homeserver {
  readonly serverName: string;
  readonly #config: ClientServerConfig;
  readonly #connections: HttpConnections;
  readonly #fetch: typeof globalThis.fetch;
  readonly #anonymous: MatrixApi;
  readonly #onMalformed: OnMalformed;

  constructor(config: ClientServerConfig, options: ClientServerOptions = {}) {
    this.serverName = config.serverName;
    this.#config = config;
    this.#onMalformed = options.onMalformed ?? (() => {});
    ({ connections: this.#connections, fetch: this.#fetch } = connectionsWithin(options));
    this.#anonymous = new MatrixApi(config.baseUrl, this.#fetch);
  }

  async register(account: Account, signal: AbortSignal): Promise<Credentials> {
    const { registration } = this.#config;
    if (registration === undefined) throw unregistrable(account);
    const session = await register(registration, this.#anonymous, account, signal);
    const credentials = toCredentials(session, account, this.serverName);
    // Registration by token knows no display name, and Tuwunel puts something of its own behind that of a new user.
    await nameNewUser(this.as(credentials), account, signal);
    return credentials;
  }

  async login(account: Account, signal: AbortSignal): Promise<Credentials> {
    return toCredentials(await logIn(this.#anonymous, account, signal), account, this.serverName);
  }

  as(credentials: Credentials): MatrixClient {
    const api = new MatrixApi(this.#config.baseUrl, this.#fetch, credentials.accessToken);
    return new ClientServerClient(credentials.userId, api, this.#onMalformed);
  }

  /** Those who log in with what is theirs. */
  get people(): PersonalAccounts {
    return new ClientServerPeople((accessToken) => new MatrixApi(this.#config.baseUrl, this.#fetch, accessToken));
  }

  /** What a server administrator may do, by its access token. */
  administeredBy(accessToken: string): HomeserverAdmin {
    return new SynapseAdmin(new MatrixApi(this.#config.baseUrl, this.#fetch, accessToken), accessToken);
  }

  /** Ends what is under way and frees every connection; nothing can be asked afterwards. */
  close(): void {
    this.#connections.close();
  }
}

function unregistrable({ localpart }: Account): MatrixError {
  return new MatrixError("refused", `${localpart} is not an application service's user, and there is no other way`, {
    remedy:
      "Set homeserver.registration beside homeserver.appservice, or create the user yourself and set its password under core_users, or set it to none there.",
  });
}
