import { z } from "zod";
import { agentOf } from "../machines/addresses.ts";
import type { ActorId } from "../runtime/actor-id.ts";
import type { Host } from "../runtime/host.ts";
import type { ActorRecord } from "../runtime/record.ts";

const context = z.object({ agentId: z.string(), name: z.string().optional(), missingSince: z.number().optional() });
const regions = z.object({ life: z.union([z.string(), z.record(z.string(), z.unknown())]) });
const talk = z.object({ queue: z.array(z.unknown()), current: z.unknown().optional(), closed: z.string().optional() });

export interface Resident {
  readonly actor: ActorId;
  readonly agentId: string;
  readonly name?: string | undefined;
  /** Where it is in its life: `live`, `missing`, `disabled`, `retiring`, `retired`. */
  readonly life: string;
  /** Since when Letta's listings have been without it, ms since the epoch. */
  readonly missingSince?: number | undefined;
}

/** The agents that have an actor, read from the actors' own records: there is no second list that could differ. */
export class Directory {
  readonly #host: Pick<Host, "list" | "read">;
  readonly #server: string;

  constructor(host: Pick<Host, "list" | "read">, server: string) {
    this.#host = host;
    this.#server = server;
  }

  async *residents(): AsyncIterable<Resident> {
    for await (const record of this.#host.list(this.#server, "agent"))
      yield { actor: record.id, ...context.parse(record.context), life: lifeOf(record) };
  }

  /** Where an agent has talked, or talks. */
  async conversationsOf(agentId: string): Promise<readonly ActorId[]> {
    const found: ActorId[] = [];
    for await (const { id } of this.#host.list(this.#server, "conversation"))
      if (agentOf(id) === agentId) found.push(id);
    return found;
  }

  /** Whether a conversation has been closed, and owes nobody an answer any more. */
  isOver(conversation: ActorId): boolean {
    const { queue, current, closed } = talk.parse(this.#host.read(conversation)?.context);
    return closed !== undefined && queue.length === 0 && current === undefined;
  }
}

/** An agent whose record is from before it had a life of its own in the chart is alive. */
function lifeOf({ value }: ActorRecord): string {
  const parsed = regions.safeParse(value);
  if (!parsed.success) return "live";
  const { life } = parsed.data;
  return typeof life === "string" ? life : (Object.keys(life)[0] ?? "live");
}
