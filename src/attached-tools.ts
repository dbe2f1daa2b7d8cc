import type { ToolAttachment } from "./actors/agent/tools.ts";
import { agentScopes } from "./commands/access/principal.ts";
import type { Tokens } from "./commands/access/tokens.ts";
import type { Config } from "./config/schema.ts";
import { type AgentKeys, LettaError, type OfferedTools, type ToolAttacher } from "./letta/port.ts";
import type { Clock } from "./runtime/clock.ts";
import type { NamedValues } from "./runtime/ledger.ts";

export interface AttachedToolsOptions {
  readonly letta: ToolAttacher;
  readonly tokens: Pick<Tokens, "create" | "revoke" | "principalOf" | "idsOf" | "list">;
  readonly notes: Pick<NamedValues, "get" | "set" | "delete">;
  readonly clock: Pick<Clock, "now">;
  /** By which Letta knows us again. */
  readonly name: string;
  /** Left out where the operator does not want it. */
  readonly offered?: OfferedTools;
}

/** What a token of ours at Letta is called, in the list of tokens. */
const tokenName = "its tools at Letta";
/** Noted for as long as Letta may have a registration of ours. */
const registered = "tools at Letta";
/** Acts as no agent that there is: by its token tools are listed, and nothing is done. */
const nobody = { name: "Letta looks at the tools", agentId: "nobody" };
/** No look takes longer, ms. */
const longestLook = 300_000;
/** The key is good no more, whatever Letta says to that. */
const final: ReadonlySet<string> = new Set(["refused", "gone", "malformed"]);

/** The tools of ours that agents have at Letta: each calls them with a token that is good for that agent alone. */
export class AttachedTools implements ToolAttachment {
  readonly #options: AttachedToolsOptions;

  constructor(options: AttachedToolsOptions) {
    this.#options = options;
  }

  async attach(agentId: string, signal: AbortSignal): Promise<void> {
    const { letta, name, offered } = this.#options;
    if (offered !== undefined) {
      await this.#note();
      return letta.attachTools(agentId, offered, this.#keysOf(agentId), signal);
    }
    if (this.#tokensOf(agentId).length > 0) {
      // An earlier version has registered us without a note.
      await this.#note();
      await letta.detachTools(agentId, { name }, signal);
      // Last: as long as there is one, this is still to be done.
      await this.#revoke(agentId);
    }
    await this.#withdraw(signal);
  }

  async detach(agentId: string, signal: AbortSignal): Promise<void> {
    const { letta, name, offered } = this.#options;
    await this.#revoke(agentId);
    if (offered === undefined) return;
    await letta.detachTools(agentId, { name }, signal).catch((error: unknown) => {
      if (!(error instanceof LettaError && final.has(error.kind))) throw error;
    });
  }

  async #note(): Promise<void> {
    const { notes, name } = this.#options;
    if (notes.get(registered) !== name) await notes.set(registered, name);
  }

  /** By the last agent that had a token of ours. */
  async #withdraw(signal: AbortSignal): Promise<void> {
    const { letta, tokens, notes } = this.#options;
    const name = notes.get(registered);
    if (name === undefined || tokens.list().some((token) => token.name === tokenName)) return;
    await letta.withdrawTools({ name }, signal);
    await notes.delete(registered);
  }

  #keysOf(agentId: string): AgentKeys {
    const { tokens, clock } = this.#options;
    return {
      isGood: (key) => {
        const known = tokens.principalOf(key);
        return known?.agentId === agentId && known.attached === true;
      },
      make: async () => {
        await this.#revoke(agentId);
        return (await tokens.create({ name: tokenName, agentId, attached: true, scopes: [...agentScopes] })).token;
      },
      async toLook(look) {
        const expiresAt = clock.now() + longestLook;
        const { id, token } = await tokens.create({ ...nobody, scopes: [...agentScopes], expiresAt });
        try {
          return await look(token);
        } finally {
          await tokens.revoke(id);
        }
      },
    };
  }

  #tokensOf(agentId: string): readonly string[] {
    return this.#options.tokens.idsOf(agentId, tokenName);
  }

  async #revoke(agentId: string): Promise<void> {
    for (const id of this.#tokensOf(agentId)) await this.#options.tokens.revoke(id);
  }
}

/** As the configuration has it; `undefined` where Letta keeps no tools of others. */
export function attachedTools(
  { letta: { matrixTools, attachTools }, api: { publicUrl }, homeserver: { serverName } }: Config,
  letta: Partial<ToolAttacher>,
  tokens: Tokens,
  notes: AttachedToolsOptions["notes"],
  clock: Pick<Clock, "now">,
): AttachedTools | undefined {
  const { attachTools: attach, detachTools: detach, withdrawTools: withdraw } = letta;
  if (attach === undefined || detach === undefined || withdraw === undefined) return undefined;
  // Letta takes what is after a colon for something else.
  const name = `letta-matrix-${serverName.replaceAll(/[^\w.-]/g, "_")}`;
  const isWanted = attachTools === true && publicUrl !== undefined;
  return new AttachedTools({
    letta: { attachTools: attach.bind(letta), detachTools: detach.bind(letta), withdrawTools: withdraw.bind(letta) },
    tokens,
    notes,
    clock,
    name,
    ...(isWanted && { offered: { name, url: `${publicUrl}/mcp`, tools: matrixTools } }),
  });
}
