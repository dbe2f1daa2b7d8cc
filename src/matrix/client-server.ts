import { ClientServerClient } from "./client.ts";
import type { OnMalformed } from "./event.ts";
import { type Budget, fetchOver } from "./fetch.ts";
import { HttpConnections, type StartTimer, startTimer } from "./http.ts";
import { logIn, toCredentials } from "./login.ts";
import { MatrixApi } from "./matrix-api.ts";
import { ClientServerPeople } from "./people.ts";
import type { Account, Credentials, Homeserver, HomeserverAdmin, MatrixClient, PersonalAccounts } from "./port.ts";
import { type Registration, register } from "./registration.ts";
import { SynapseAdmin } from "./synapse-admin.ts";

export type { Registration };

export interface ClientServerConfig {
  /** Where clients reach the homeserver, without `/_matrix`. */
  readonly baseUrl: string;
  /** The part after the colon in its user ids. */
  readonly serverName: string;
  readonly registration: Registration;
}

export interface ClientServerLimits {
  /** For one request other than a long-poll, from its start to the last byte of its answer. */
  readonly commandMs: number;
  /** How much later than asked a long-poll may end. */
  readonly pollGraceMs: number;
  readonly maxBodyBytes: number;
}

export interface ClientServerOptions {
  readonly limits?: Partial<ClientServerLimits>;
  readonly startTimer?: StartTimer;
  /** Told of everything that is left out of an answer because it is malformed: count it. */
  readonly onMalformed?: OnMalformed;
}

const DEFAULT_LIMITS: ClientServerLimits = {
  commandMs: 30_000,
  // The first sync of an account with many rooms takes this long on a busy server.
  pollGraceMs: 60_000,
  maxBodyBytes: 32 * 1024 * 1024,
};

/** A homeserver as its ordinary clients see it: each user logs in and polls by itself. */
export class ClientServerHomeserver implements Homeserver {
  readonly serverName: string;
  readonly #config: ClientServerConfig;
  readonly #connections: HttpConnections;
  readonly #fetch: typeof globalThis.fetch;
  readonly #anonymous: MatrixApi;
  readonly #onMalformed: OnMalformed;

  constructor(config: ClientServerConfig, options: ClientServerOptions = {}) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.serverName = config.serverName;
    this.#config = config;
    this.#onMalformed = options.onMalformed ?? (() => {});
    this.#connections = new HttpConnections({
      startTimer: options.startTimer ?? startTimer,
      maxBodyBytes: limits.maxBodyBytes,
    });
    this.#fetch = fetchOver(this.#connections, (url) => budgetOf(url, limits));
    this.#anonymous = new MatrixApi(config.baseUrl, this.#fetch);
  }

  async register(account: Account, signal: AbortSignal): Promise<Credentials> {
    const { registration } = this.#config;
    const session = await register(registration, this.#anonymous, account, signal);
    const credentials = toCredentials(session, account, this.serverName);
    await this.#nameNewUser(credentials, account, signal);
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

  /**
   * Registration by token knows no display name, and Tuwunel puts something of its own behind that of a new user. The
   * user exists by now: a failure here must not lose its session, so whoever depends on the name looks at the profile, as
   * after a crash at this point.
   */
  async #nameNewUser(credentials: Credentials, { displayName }: Account, signal: AbortSignal): Promise<void> {
    if (displayName === undefined) return;
    const client = this.as(credentials);
    try {
      const shown = await client.profile(credentials.userId, signal);
      if (shown.displayName !== displayName) await client.setDisplayName(displayName, signal);
    } catch {
      signal.throwIfAborted();
    }
  }

  /** Ends what is under way and frees every connection; nothing can be asked afterwards. */
  close(): void {
    this.#connections.close();
  }
}

function budgetOf(url: URL, limits: ClientServerLimits): Budget {
  if (!url.pathname.endsWith("/v3/sync")) return { lane: "command", timeLimitMs: limits.commandMs };
  const heldMs = Number(url.searchParams.get("timeout") ?? 0);
  return { lane: "poll", timeLimitMs: heldMs + limits.pollGraceMs };
}
