/** What a caller may do. A command names the one it needs. */
export const scopes = [
  "messages:read",
  "messages:send",
  "rooms:read",
  "rooms:write",
  "agents:read",
  "agents:message",
  "admin:read",
  "admin:control",
] as const;

export type Scope = (typeof scopes)[number];

/** What an agent may do by its tools, as itself. */
export const agentScopes: ReadonlySet<Scope> = new Set<Scope>([
  "messages:read",
  "messages:send",
  "rooms:read",
  "rooms:write",
  "agents:read",
  "agents:message",
]);

/** Whoever calls, and what it may do. */
export interface Principal {
  /** For the audit log; never a secret. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The token that it showed, by its id. */
  readonly tokenId?: string;
  /** Letta's id of the one agent as which it acts; left out, it is bound to none. */
  readonly agentId?: string;
  /** It is the agent itself: its token is where Letta alone shows it, while the agent answers something. */
  readonly attached?: true;
}

/** Tells who calls. */
export interface Authentication {
  /** Who holds this token; `undefined` for one that is unknown, revoked or expired. */
  principalOf(token: string): Principal | undefined;
  /**
   * Calls the listener as soon as a token is no longer good (revoked, or over), with its id. Gives back how to stop
   * listening.
   */
  onRevoked(listener: (tokenId: string) => void): () => void;
}
