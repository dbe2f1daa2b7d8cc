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
  /** What it was about, as the caller named it. */
  target: z.string().exactOptional(),
  outcome: z.enum(["done", "refused", "failed"]),
  /** The kind of the error; what it says may quote somebody. */
  error: z.string().exactOptional(),
});

export type AuditEntry = z.output<typeof auditEntry>;

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where the next page begins. */
  readonly next?: string;
}

/** Who changed what. */
export class AuditLog {
  readonly #ledger: Ledger;
  readonly #clock: Pick<Clock, "now">;

  constructor(ledger: Ledger, clock: Pick<Clock, "now">) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** Resolves when it is durable. */
  async record(
    { principal, requestId }: Call,
    entry: Pick<AuditEntry, "command" | "outcome"> & Partial<Pick<AuditEntry, "target" | "error">>,
  ): Promise<void> {
    const { name: who, tokenId } = principal;
    const at = this.#clock.now();
    await this.#ledger.append({ at, requestId, who, ...(tokenId !== undefined && { tokenId }), ...entry });
  }

  /** The newest first. */
  async page(limit: number, cursor?: string): Promise<AuditPage> {
    const rows = await this.#ledger.page(limit, cursor === undefined ? undefined : Number(cursor));
    const last = rows.at(-1);
    const entries = rows.flatMap(({ value }) => auditEntry.safeParse(value).data ?? []);
    return { entries, ...(last !== undefined && last.position > 0 && { next: String(last.position) }) };
  }
}

/** By which of its fields an input says what it is about; never by a text that somebody wrote. */
const targets = ["actor", "agent", "to", "room", "id", "event", "name"] as const;
const longestTarget = 255;

/** What a call is about. */
export function targetOf(input: unknown): string | undefined {
  for (const field of targets) {
    const value: unknown = Reflect.get(Object(input), field);
    if (typeof value === "string") return value.slice(0, longestTarget);
  }
  return undefined;
}
