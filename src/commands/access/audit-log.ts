import { z } from "zod";
import type { Clock } from "../../runtime/clock.ts";
import type { Ledger } from "../../runtime/ledger.ts";
import type { Call } from "../command.ts";

/** One call that changed something, or was to. */
export const auditEntry = z.object({
  /** Ms since the epoch. */
  at: z.number(),
  requestId: z.string(),
  /** Who called. */
  who: z.string(),
  tokenId: z.string().exactOptional(),
  command: z.string(),
  /** What it was about, as the caller named it: of what is done in a room, the room. */
  target: z.string().exactOptional(),
  /** Which message there. */
  event: z.string().exactOptional(),
  /** Who was invited there. */
  user: z.string().exactOptional(),
  /** The agent as which it was done, where the caller named one. */
  as: z.string().exactOptional(),
  outcome: z.enum(["done", "refused", "failed"]),
  /** The kind of the error; what it says may quote somebody. */
  error: z.string().exactOptional(),
});

export type AuditEntry = z.output<typeof auditEntry>;

/** What a call is about, and as whom it is done. */
export type About = Pick<AuditEntry, "target" | "event" | "user" | "as">;

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where the next page begins. */
  readonly next?: string;
}

/** Takes an entry that could not be written down. */
export type OnMissed = (entry: AuditEntry, error: unknown) => void;

/**
 * Where it is written down: what was refused by itself, since whoever may change nothing could push out by it what others
 * have changed.
 */
export interface AuditLedgers {
  readonly tried: Ledger;
  readonly refused: Ledger;
}

/** Who changed what, and who was not let. */
export class AuditLog {
  readonly #ledgers: AuditLedgers;
  readonly #clock: Pick<Clock, "now">;
  readonly #onMissed: OnMissed;

  constructor(ledgers: AuditLedgers, clock: Pick<Clock, "now">, onMissed: OnMissed) {
    this.#ledgers = ledgers;
    this.#clock = clock;
    this.#onMissed = onMissed;
  }

  /** Resolves when it is durable, or when that has failed and somebody else knows it: what was done is done all the same. */
  async record(
    { principal, requestId }: Pick<Call, "principal" | "requestId">,
    entry: Pick<AuditEntry, "command" | "outcome" | "error"> & About,
  ): Promise<void> {
    const { name: who, tokenId } = principal;
    const at = this.#clock.now();
    const written = { at, requestId, who, ...(tokenId !== undefined && { tokenId }), ...entry };
    const ledger = this.#ledgers[entry.outcome === "refused" ? "refused" : "tried"];
    await ledger.append(written).catch((error: unknown) => this.#onMissed(written, error));
  }

  /** The newest first: of what was done or failed, or of what was refused. */
  async page(limit: number, cursor?: string, which: keyof AuditLedgers = "tried"): Promise<AuditPage> {
    const rows = await this.#ledgers[which].page(limit + 1, cursor === undefined ? undefined : Number(cursor));
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const entries = shown.flatMap(({ value }) => auditEntry.safeParse(value).data ?? []);
    return { entries, ...(last !== undefined && rows.length > limit && { next: String(last.position) }) };
  }
}

/** By which of its fields an input says what it is about, the nearest first; never by a text that somebody wrote. */
const targets = ["actor", "to", "room", "id", "agentId", "name"] as const;
const longest = 255;

/** `agent` names who acts, or else whom it is about. */
export function aboutOf(input: unknown, agentIs: "as" | "target"): About {
  const named = (field: string): string | undefined => {
    const value: unknown = Reflect.get(Object(input), field);
    return typeof value === "string" ? value.slice(0, longest) : undefined;
  };
  const target = targets.map(named).find((one) => one !== undefined);
  const [event, user, agent] = ["event", "user", "agent"].map(named);
  return {
    ...(target !== undefined && { target }),
    ...(event !== undefined && { event }),
    ...(user !== undefined && { user }),
    ...(agent !== undefined && (agentIs === "as" ? { as: agent } : target === undefined && { target: agent })),
  };
}
