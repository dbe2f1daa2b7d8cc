import type { StateValue } from "xstate";
import { z } from "zod";
import type { Host, Transition } from "../../src/runtime/host.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import type { Report } from "./protocol.ts";

const agentContext = z.object({ agentId: z.string(), userId: z.string() });
const conversationContext = z.object({ queue: z.array(z.unknown()), current: z.unknown().optional() });

/** Whose steps make and retire agents; the others follow them. */
const makers: ReadonlySet<string> = new Set(["agent", "space", "discovery"]);

/** Effects that go on all the time, or come with each start. */
const endless: ReadonlySet<string> = new Set(["poll", "catchUp", "nextAgents"]);

export interface LivesOptions {
  readonly tell: (report: Report) => void;
  readonly pass: (point: string) => void;
  /** The state in which an agent hears what is said. */
  readonly listening: string;
}

/** Where the product's actors are, by their commits. */
export class Lives {
  readonly #listed: ReadonlySet<string>;
  readonly #options: LivesOptions;
  readonly #agents = new Map<string, ActorRecord>();
  readonly #waiting = new Map<string, number>();
  #space: StateValue = "";
  #questions = 0;

  constructor(listed: readonly { readonly id: string }[], options: LivesOptions) {
    this.#listed = new Set(listed.map(({ id }) => id));
    this.#options = options;
  }

  /** Reads what an earlier process left, then follows each commit. */
  async follow(host: Host, serverName: string): Promise<void> {
    host.subscribe((transition) => this.#see(transition));
    const isKnown = new Set(this.#agents.keys());
    for (const machine of ["agent", "conversation", "space"])
      for await (const record of host.list(serverName, machine)) if (!isKnown.has(record.id)) this.#note(record);
    this.#report();
  }

  /** The state that the user's request comes from; `undefined` for users that no agent's life depends on. */
  whereIs(userId: string): string | undefined {
    for (const record of this.#agents.values()) {
      if (agentContext.parse(record.context).userId !== userId) continue;
      const life = pathOf(regionOf(record, "life"));
      return life.startsWith("retiring") ? `agent ${life}` : `agent ${pathOf(regionOf(record, "room"))}`;
    }
    if (userId.startsWith("@agent_")) return "agent";
    return userId.startsWith("@letta-matrix:") ? "bot" : undefined;
  }

  #see({ record, line }: Transition): void {
    this.#note(record);
    const done = /^xstate\.done\.actor\.(.+)$/.exec(line.event)?.[1];
    const isCounted = makers.has(record.machine) && done !== undefined && !endless.has(done);
    if (isCounted) this.#options.pass(`${record.machine} ${done}, committed`);
    this.#report();
  }

  #note(record: ActorRecord): void {
    if (record.machine === "agent") this.#agents.set(record.id, record);
    if (record.machine === "space") this.#space = record.value;
    if (record.machine !== "conversation") return;
    const { queue, current } = conversationContext.parse(record.context);
    this.#waiting.set(record.id, queue.length + (current === undefined ? 0 : 1));
  }

  #report(): void {
    const questions = [...this.#waiting.values()].reduce((sum, count) => sum + count, 0);
    if (questions !== this.#questions) this.#options.tell({ type: "asked", questions });
    this.#questions = questions;
    const agents = [...this.#agents.values()];
    const known = new Set(agents.map(({ context }) => agentContext.parse(context).agentId));
    const isComplete = [...this.#listed].every((agentId) => known.has(agentId));
    if (isComplete && this.#space === "ready" && agents.every((record) => this.#isSettled(record)))
      this.#options.tell({ type: "settled" });
  }

  #isSettled(record: ActorRecord): boolean {
    const life = pathOf(regionOf(record, "life"));
    if (!this.#listed.has(agentContext.parse(record.context).agentId)) return life === "retired";
    const isAtHome = regionOf(record, "room") === "ready" && regionOf(record, "intake") === this.#options.listening;
    return life === "live" && isAtHome;
  }
}

function regionOf({ value }: ActorRecord, region: string): StateValue | undefined {
  return typeof value === "string" ? undefined : value[region];
}

function pathOf(value: StateValue | undefined): string {
  if (value === undefined || typeof value === "string") return value ?? "";
  return Object.entries(value)
    .map(([state, inner]) => `${state}.${pathOf(inner)}`)
    .join(" ");
}
