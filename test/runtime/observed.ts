/** What one turn made happen, each kind in its order. */
export interface Trace {
  /** Params of the custom actions. */
  readonly actions: unknown[];
  readonly started: { readonly child: string; readonly input: unknown }[];
  readonly stopped: string[];
  readonly received: { readonly child: string; readonly event: string }[];
  /** Events of timers that came due. */
  readonly fired: string[];
}

/** All that XState and the runner must have in common. */
export interface Observed {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  readonly output: unknown;
  readonly history: Readonly<Record<string, readonly string[]>>;
  readonly running: readonly string[];
  readonly trace: Trace;
}

export function emptyTrace(): Trace {
  return { actions: [], started: [], stopped: [], received: [], fired: [] };
}
