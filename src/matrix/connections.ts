import type { OnMalformed } from "./event.ts";
import { type Budget, fetchOver } from "./fetch.ts";
import { HttpConnections, type StartTimer, startTimer } from "./http.ts";

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

/** The connections to one homeserver, and the `fetch` that goes over them within its limits. */
export function connectionsWithin(options: ClientServerOptions) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const connections = new HttpConnections({
    startTimer: options.startTimer ?? startTimer,
    maxBodyBytes: limits.maxBodyBytes,
  });
  return { connections, fetch: fetchOver(connections, (url) => budgetOf(url, limits)) };
}

function budgetOf(url: URL, limits: ClientServerLimits): Budget {
  if (!url.pathname.endsWith("/v3/sync")) return { lane: "command", timeLimitMs: limits.commandMs };
  const heldMs = Number(url.searchParams.get("timeout") ?? 0);
  return { lane: "poll", timeLimitMs: heldMs + limits.pollGraceMs };
}
