import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { NamedValues } from "../../runtime/ledger.ts";
import { type Authentication, type Principal, type Scope, scopes } from "./principal.ts";

/** What is known of a token, less its secret. Times are ms since the epoch. */
export const tokenInfo = z.object({
  id: z.string(),
  /** What it is for. */
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  /** Letta's id of the one agent as which its holder acts. */
  agentId: z.string().exactOptional(),
  /** It is attached to that agent at Letta, which shows it in the agent's own turns. */
  attached: z.literal(true).exactOptional(),
  createdAt: z.number(),
  expiresAt: z.number().exactOptional(),
});

export type TokenInfo = z.output<typeof tokenInfo>;

const stored = tokenInfo.extend({ hash: z.string() });

type Stored = z.output<typeof stored>;

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly agentId?: string;
  readonly attached?: true;
  readonly expiresAt?: number;
}

/** Ids and secrets are hexadecimal, so that the parts are told from each other without doubt. */
const shape = /^lm_([0-9a-f]{12})_([0-9a-f]{64})$/;
const prefix = "token ";
/** Beyond this somebody makes tokens instead of keeping them. */
const mostTokens = 10_000;
/** How long at most nobody looks which have ended, ms: somebody may have set the time meanwhile. */
const longestUnwatched = 60_000;

/** The tokens by which programs show who they are. Their secrets are never kept, only what they hash to. */
export class Tokens implements Authentication {
  readonly #values: NamedValues;
  readonly #clock: Clock;
  readonly #known = new Map<string, Stored>();
  readonly #listeners = new Set<(tokenId: string) => void>();
  /** Those whose end was told. */
  readonly #ended = new Set<string>();
  /** Those that are refused, and known until it is durable that they are gone: a restart would have them back. */
  readonly #revoked = new Set<string>();
  #stopWatching: Cancel = () => undefined;

  private constructor(values: NamedValues, clock: Clock) {
    this.#values = values;
    this.#clock = clock;
  }

  /** Reads those that were made before. One that cannot be read is none: its holder is refused. */
  static async open(values: NamedValues, clock: Clock): Promise<Tokens> {
    const tokens = new Tokens(values, clock);
    for await (const name of values.names(prefix)) {
      const token = parse(values.get(name));
      if (token !== undefined) tokens.#known.set(token.id, token);
    }
    return tokens;
  }

  principalOf(token: string): Principal | undefined {
    const [, id = "", secret = ""] = shape.exec(token) ?? [];
    const known = this.#known.get(id);
    if (known === undefined || !isSame(known.hash, hashOf(secret)) || !this.#isGood(known)) return undefined;
    return {
      name: `${known.name} (${known.id})`,
      // People write to agents: whatever the token was given, it is for no operator.
      scopes: new Set(known.scopes.filter((scope) => known.agentId === undefined || !scope.startsWith("admin:"))),
      tokenId: known.id,
      ...(known.agentId !== undefined && { agentId: known.agentId }),
      ...(known.attached === true && { attached: true }),
    };
  }

  /** Whether anybody could be let in now. */
  isAnyGood(): boolean {
    return [...this.#known.values()].some((token) => this.#isGood(token));
  }

  onRevoked(listener: (tokenId: string) => void): () => void {
    this.#listeners.add(listener);
    this.#watch();
    return () => {
      this.#listeners.delete(listener);
      this.#watch();
    };
  }

  /** Resolves when it is durable, with the only copy of the token itself. Throws {@link TooManyTokens}. */
  async create(given: NewToken): Promise<TokenInfo & { readonly token: string }> {
    await this.#forgetExpired();
    if (this.#known.size >= mostTokens) throw new TooManyTokens(mostTokens);
    const id = randomBytes(6).toString("hex");
    const secret = randomBytes(32).toString("hex");
    const info: TokenInfo = { ...given, id, scopes: [...given.scopes], createdAt: this.#clock.now() };
    const token = { ...info, hash: hashOf(secret) };
    await this.#values.set(`${prefix}${id}`, JSON.stringify(token));
    this.#known.set(id, token);
    this.#watch();
    return { ...info, token: `lm_${id}_${secret}` };
  }

  list(): readonly TokenInfo[] {
    return [...this.#known.values()]
      .map(({ hash: _, ...info }) => info)
      .sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id));
  }

  /** Those of this name that are for this agent, by their ids. */
  idsOf(agentId: string, name: string): readonly string[] {
    return [...this.#known.values()].flatMap((one) => (one.agentId === agentId && one.name === name ? [one.id] : []));
  }

  /**
   * From the moment of the call on its holder is refused. Rejects where that cannot be made durable: it is listed still,
   * and revoking it again tries that again. Throws {@link NoSuchToken}.
   */
  async revoke(id: string): Promise<TokenInfo> {
    const token = this.#known.get(id);
    if (token === undefined) throw new NoSuchToken(id);
    await this.#forget(id);
    const { hash: _, ...info } = token;
    return info;
  }

  async #forgetExpired(): Promise<void> {
    for (const token of [...this.#known.values()]) if (this.#isOver(token)) await this.#forget(token.id);
  }

  async #forget(id: string): Promise<void> {
    this.#revoked.add(id);
    this.#tell(id);
    await this.#values.delete(`${prefix}${id}`);
    this.#known.delete(id);
    this.#ended.delete(id);
    this.#revoked.delete(id);
  }

  /** Waits for the next one that ends, as long as somebody wants to hear of it. */
  #watch(): void {
    this.#stopWatching();
    const ends = [...this.#known.values()].flatMap(({ id, expiresAt }) =>
      expiresAt === undefined || this.#ended.has(id) ? [] : [expiresAt],
    );
    if (ends.length === 0 || this.#listeners.size === 0) return;
    const next = ends.reduce((first, other) => Math.min(first, other));
    const delay = Math.min(Math.max(0, next - this.#clock.now()), longestUnwatched);
    this.#stopWatching = this.#clock.schedule(delay, () => {
      for (const token of [...this.#known.values()]) if (this.#isOver(token)) this.#tell(token.id);
      this.#watch();
    });
  }

  #tell(id: string): void {
    if (this.#ended.has(id)) return;
    this.#ended.add(id);
    for (const listener of this.#listeners) listener(id);
  }

  #isGood(token: TokenInfo): boolean {
    return !this.#isOver(token) && !this.#revoked.has(token.id);
  }

  #isOver({ expiresAt }: TokenInfo): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now();
  }
}

/** There is no such token; nothing was done. */
export class NoSuchToken extends Error {
  override readonly name = "NoSuchToken";
  readonly remedy = "`letta-matrix token list` shows the ids of those there are.";

  constructor(id: string) {
    super(`there is no token "${id}"`);
  }
}

/** No token was made. */
export class TooManyTokens extends Error {
  override readonly name = "TooManyTokens";
  readonly remedy = "Revoke those that nobody uses.";

  constructor(most: number) {
    super(`there are ${most} tokens already`);
  }
}

/** A token has 256 random bits: nobody guesses it, so that a slow hash would only slow us. */
function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function parse(text: string | undefined): Stored | undefined {
  try {
    return stored.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}
