import type { LoggedRequest } from "../servers/access-log.ts";
import { type Boundary, boundaries, boundariesOf, type KillKind, killKinds, type Tools } from "./boundaries.ts";
import type { RoundResult } from "./run.ts";

/** What a run has come to, for its end. */
export class Tally {
  passed = 0;
  failed = 0;
  readonly #tools: Tools;
  readonly #hits = new Map<string, number>();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  add({ kind, hits, violations }: RoundResult): void {
    for (const { boundary } of hits) this.#hits.set(key(kind, boundary), this.#of(kind, boundary) + 1);
    this.judge(violations.length === 0);
  }

  /** Takes over what a part of the run has come to. */
  include({ passed, failed, hits }: Tally): void {
    this.passed += passed;
    this.failed += failed;
    for (const [name, count] of hits) this.#hits.set(name, (this.#hits.get(name) ?? 0) + count);
  }

  judge(isFine: boolean): void {
    if (isFine) this.passed++;
    else this.failed++;
  }

  /** By kind and boundary. */
  get hits(): ReadonlyMap<string, number> {
    return this.#hits;
  }

  /** Kills of letta-matrix: its disk forgets with it what was not synced. */
  get powerCuts(): number {
    const own = ["letta-matrix", "all"] as const;
    return own
      .flatMap((kind) => boundaries.map((boundary) => this.#of(kind, boundary)))
      .reduce((sum, hits) => sum + hits, 0);
  }

  get kills(): number {
    return [...this.#hits.values()].reduce((sum, hits) => sum + hits, 0);
  }

  /** Boundaries that were never hit by a kind that had its chances. */
  missed(): { readonly kind: KillKind; readonly boundary: Boundary }[] {
    return killKinds.flatMap((kind) => {
      const own = boundariesOf(kind, this.#tools);
      const kills = own.reduce((sum, boundary) => sum + this.#of(kind, boundary), 0);
      const never = kills < own.length ? [] : own.filter((boundary) => this.#of(kind, boundary) === 0);
      return never.map((boundary) => ({ kind, boundary }));
    });
  }

  table(): string {
    const rows = [
      ["boundary", ...killKinds],
      ...boundaries.map((boundary) => [boundary, ...killKinds.map((kind) => String(this.#of(kind, boundary)))]),
    ];
    return rows
      .map(([name = "", ...cells]) => name.padEnd(32) + cells.map((cell) => cell.padStart(14)).join(""))
      .join("\n");
  }

  #of(kind: KillKind, boundary: Boundary): number {
    return this.#hits.get(key(kind, boundary)) ?? 0;
  }
}

/** Sends that the homeserver answered a further time under the same transaction id. */
export function resendsIn(requests: readonly LoggedRequest[]): number {
  const sends = new Map<string, number>();
  for (const { method, path, user, status } of requests)
    if (method === "PUT" && path.includes("/send/") && status === 200)
      sends.set(`${user} ${path}`, (sends.get(`${user} ${path}`) ?? 0) + 1);
  return [...sends.values()].reduce((sum, times) => sum + times - 1, 0);
}

function key(kind: KillKind, boundary: Boundary): string {
  return `${kind} ${boundary}`;
}
