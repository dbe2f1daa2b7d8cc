/** Rows that are only ever added, newest last, of which the last so many are kept. */
export interface Ledger {
  /** Resolves when the row is durable. */
  append(row: object): Promise<void>;
  /** At most `limit` rows, the newest first; `before` gives those that are older than that position. */
  page(limit: number, before?: number): Promise<readonly LedgerRow[]>;
}

export interface LedgerRow {
  readonly position: number;
  /** Whatever was appended, as it was read. */
  readonly value: unknown;
}

/** Small durable secrets and settings, by name, that can be listed. */
export interface NamedValues {
  get(name: string): string | undefined;
  set(name: string, value: string): Promise<void>;
  delete(name: string): Promise<void>;
  /** The names that begin so. */
  names(prefix: string): AsyncIterable<string>;
}
