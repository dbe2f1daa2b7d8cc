import type { ServerResponse } from "node:http";

/** The answers that are under way, by the token that was shown: a stream may be open for as long as its client likes. */
export class OpenReplies {
  readonly #byToken = new Map<string, Set<ServerResponse>>();

  add(token: string, reply: ServerResponse): void {
    // One that has closed already would never leave.
    if (reply.destroyed) return;
    const open = this.#byToken.get(token) ?? new Set();
    this.#byToken.set(token, open.add(reply));
    reply.once("close", () => {
      open.delete(reply);
      if (open.size === 0 && this.#byToken.get(token) === open) this.#byToken.delete(token);
    });
  }

  /** Cuts all answers to whoever showed this token; what they were for is told so by its signal. */
  endOf(token: string): void {
    for (const reply of this.#byToken.get(token) ?? []) reply.destroy();
  }
}
