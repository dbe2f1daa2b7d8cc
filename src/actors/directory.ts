import { z } from "zod";
import type { ActorId } from "../runtime/actor-id.ts";
import type { Host } from "../runtime/host.ts";

const resident = z.object({
  agentId: z.string(),
  name: z.string().optional(),
  newName: z.string().optional(),
});

export interface Resident {
  readonly actor: ActorId;
  readonly agentId: string;
  readonly name?: string | undefined;
  /** A name that it waits to hear again. */
  readonly newName?: string | undefined;
}

/** The agents that have an actor, read from the actors' own records: there is no second list that could differ. */
export class Directory {
  readonly #host: Pick<Host, "list">;
  readonly #server: string;

  constructor(host: Pick<Host, "list">, server: string) {
    this.#host = host;
    this.#server = server;
  }

  async *residents(): AsyncIterable<Resident> {
    for await (const { id, context } of this.#host.list(this.#server, "agent"))
      yield { actor: id, ...resident.parse(context) };
  }
}
