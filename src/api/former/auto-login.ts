import { z } from "zod";
import type { Call } from "../../commands/command.ts";
import type { CommandSet } from "./correspondence.ts";
import type { FormerOptions } from "./options.ts";

const made = z.object({ token: z.string() });
const lifetimeMs = 24 * 3_600_000;

/**
 * The token that callers without one are given. It is the same for all of them, until half of its life is over: some ask
 * before each request, and each token that is made is kept until it expires.
 */
export class AutoLogin {
  readonly #options: Pick<FormerOptions, "authentication" | "clock">;
  readonly #commands: CommandSet;
  #current: { readonly token: string; readonly until: number } | undefined;
  #making: Promise<string> | undefined;

  constructor(options: Pick<FormerOptions, "authentication" | "clock">, commands: CommandSet) {
    this.#options = options;
    this.#commands = commands;
  }

  async token(call: Call): Promise<string> {
    const { authentication, clock } = this.#options;
    const current = this.#current;
    // Somebody may have revoked it.
    if (
      current !== undefined &&
      clock.elapsed() < current.until &&
      authentication.principalOf(current.token) !== undefined
    )
      return current.token;
    this.#making ??= this.#make(call).finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make({ signal: _, ...call }: Call): Promise<string> {
    const { clock } = this.#options;
    // Others may wait for it, too, so that it does not end with whoever asked first.
    const { signal } = new AbortController();
    const scopes = ["messages:read", "messages:send", "rooms:read", "rooms:write"] as const;
    const wish = { name: "login/auto", scopes, expiresAt: clock.now() + lifetimeMs };
    // What the key stands for is this one token, and not the right to make others.
    const principal = { ...call.principal, scopes: new Set(["admin:control"] as const) };
    const { token } = await this.#commands.ask("tokens.create", wish, made, { ...call, principal, signal });
    this.#current = { token, until: clock.elapsed() + lifetimeMs / 2 };
    return token;
  }
}
