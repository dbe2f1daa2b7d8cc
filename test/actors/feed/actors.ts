import type { ActorId } from "../../../src/runtime/actor-id.ts";
import { type Host, MailboxFull, type Transition } from "../../../src/runtime/host.ts";
import type { ActorEvent, ActorRecord } from "../../../src/runtime/record.ts";
import { recordOf } from "../agent-record.ts";

interface Given {
  readonly actor: ActorId;
  readonly event: ActorEvent;
  readonly id: string | undefined;
}

/** Actors that take what they are given, unless a test says otherwise. */
export class Actors {
  readonly given: Given[] = [];
  readonly full = new Set<ActorId>();
  onLookBack: (actor: ActorId) => void = () => undefined;
  failure: Error | undefined;
  readonly #records = new Map<ActorId, ActorRecord>();
  readonly #listeners = new Set<(transition: Transition) => void>();

  is(actor: ActorId, userId: string, state: { intake: string; life?: string }, roomId?: string): void {
    const value = { life: state.life ?? "live", intake: state.intake };
    const context = { userId, ...(roomId !== undefined && { roomId }) };
    const record = recordOf({ id: actor, machine: "agent", value, context });
    this.#records.set(actor, record);
    for (const listener of this.#listeners) listener({ record } as Transition);
  }

  readonly host: Pick<Host, "accept" | "subscribe" | "list" | "read"> = {
    accept: async (actor, event, { id } = {}) => {
      if (this.failure !== undefined) throw this.failure;
      if (this.full.has(actor)) throw new MailboxFull("full");
      if (id !== undefined && this.given.some((one) => one.id === id && one.actor === actor)) return;
      this.given.push({ actor, event, id });
      if (event.type === "LOOK_BACK") this.onLookBack(actor);
    },
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
    read: (actor) => this.#records.get(actor),
    list: async function* (this: Actors) {
      yield* this.#records.values();
    }.bind(this),
  };

  idsOf(actor: ActorId): (string | undefined)[] {
    return this.given.filter((one) => one.actor === actor).map(({ id }) => id);
  }
}
