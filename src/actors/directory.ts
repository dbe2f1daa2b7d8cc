import { z } from "zod";
import { addressOf } from "../machines/addresses.ts";
import type { ActorId } from "../runtime/actor-id.ts";
import type { Host } from "../runtime/host.ts";
import type { ActorRecord } from "../runtime/record.ts";

const context = z.object({
  agentId: z.string(),
  name: z.string().optional(),
  newName: z.string().optional(),
  roomId: z.string().optional(),
  spaceId: z.string().optional(),
  part: z.number().default(1),
  missingSince: z.number().optional(),
});
const state = z.union([z.string(), z.record(z.string(), z.unknown())]);
const regions = z.object({ life: state, room: state.optional() });
const talk = z.object({ queue: z.array(z.unknown()), current: z.unknown().optional(), closed: z.string().optional() });

export interface Resident {
  readonly actor: ActorId;
  readonly agentId: string;
  /** Of its record: one more with each event that it takes. */
  readonly revision: number;
  readonly name?: string | undefined;
  /** Where it is in its life: `live`, `missing`, `disabled`, `retiring`, `retired`. */
  readonly life: string;
  /** Since when Letta's listings have been without it, ms since the epoch. */
  readonly missingSince?: number | undefined;
  readonly roomId?: string | undefined;
  /** True when nothing is being done about its room: that is then where it is. */
  readonly isSettled: boolean;
  /** The part of the space that its room belongs into, and which space that is, as far as it has heard. */
  readonly place?: { readonly part: number; readonly spaceId: string } | undefined;
  /** A name that it waits to hear again. */
  readonly newName?: string | undefined;
}

const own = z.object({ userId: z.string(), roomId: z.string().optional(), paused: z.unknown().optional() });

/** The agents that have an actor, read from the actors' own records: there is no second list that could differ. */
export class Directory {
  readonly #host: Pick<Host, "list" | "read">;
  readonly #server: string;

  constructor(host: Pick<Host, "list" | "read">, server: string) {
    this.#host = host;
    this.#server = server;
  }

  async *residents(): AsyncIterable<Resident> {
    for await (const record of this.#host.list(this.#server, "agent")) yield residentOf(record);
  }

  /** The space's actor, and the revision of its record. */
  space(): readonly [ActorId, number] {
    const actor = addressOf.space(this.#server);
    return [actor, this.#host.read(actor)?.revision ?? 0];
  }

  /** Where an agent has talked, or talks. */
  async conversationsOf(agentId: string): Promise<readonly ActorId[]> {
    const found: ActorId[] = [];
    for await (const { id } of this.#host.list(this.#server, "conversation", agentId)) found.push(id);
    return found;
  }

  /** The user of the agent whose own room it is. */
  async hostOf(roomId: string): Promise<string | undefined> {
    for await (const { context: kept } of this.#host.list(this.#server, "agent")) {
      const { data } = own.safeParse(kept);
      if (data?.roomId === roomId) return data.userId;
    }
    return undefined;
  }

  /** Whether an operator has the agent wait. */
  isPaused(agentId: string): boolean {
    return own.safeParse(this.#host.read(addressOf.agent(this.#server, agentId))?.context).data?.paused !== undefined;
  }

  /** Whether an agent has ever been told of anything in a room. */
  isTalkingIn(agentId: string, roomId: string): boolean {
    return this.#host.read(addressOf.conversation(this.#server, agentId, roomId)) !== undefined;
  }

  /** Whether a conversation has been closed, and owes nobody an answer any more. */
  isOver(conversation: ActorId): boolean {
    const { queue, current, closed } = talk.parse(this.#host.read(conversation)?.context);
    return closed !== undefined && queue.length === 0 && current === undefined;
  }
}

function residentOf({ id, value, revision, context: kept }: ActorRecord): Resident {
  const { spaceId, part, ...rest } = context.parse(kept);
  const { life, room } = regions.safeParse(value).data ?? { life: "live" };
  return {
    actor: id,
    revision,
    ...rest,
    life: outermost(life),
    isSettled: outermost(room) === "ready",
    ...(spaceId !== undefined && { place: { part, spaceId } }),
  };
}

function outermost(value: z.output<typeof state> | undefined): string {
  return typeof value === "string" ? value : (Object.keys(value ?? {})[0] ?? "");
}
