/** What a listing of agents may come to. */

/** Agents on a page that has others after it. */
const pageSize = 100;

export function doubled(agents: readonly unknown[]): unknown[] {
  return agents.flatMap((agent) => [agent, agent]);
}

export function reversed(agents: readonly unknown[]): unknown[] {
  return agents.toReversed();
}

/** A full page, which comes again when the next one is asked for. */
export function samePage(agents: readonly unknown[]): unknown[] {
  return Array.from({ length: pageSize }, (_, index) => agents[index % Math.max(1, agents.length)]);
}
