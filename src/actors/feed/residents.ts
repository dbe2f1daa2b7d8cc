import { z } from "zod";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Host } from "../../runtime/host.ts";
import type { ActorRecord } from "../../runtime/record.ts";

const kept = z.object({ userId: z.string(), roomId: z.string().optional() });
const state = z.union([z.string(), z.record(z.string(), z.unknown())]);
const regions = z.object({ life: state, intake: state });

export interface Listening {
  readonly actor: ActorId;
  readonly userId: string;
  /** Its own room. */
  readonly roomId?: string | undefined;
}

/**
 * Whether an agent takes what is pushed: `open` does; `looking` will, and until then it looks back at what was said;
 * `closed` hears nothing, and looks back if it ever hears again.
 */
export type Standing = "open" | "looking" | "closed";

const served: ReadonlySet<unknown> = new Set(["live", "missing"]);

/** All agents that have an actor, by their users and by their own rooms: read once, and kept current. */
export class Residents {
  readonly #host: Pick<Host, "list" | "read">;
  readonly #server: string;
  readonly #byUser = new Map<string, Listening>();
  readonly #byRoom = new Map<string, string>();

  constructor(host: Pick<Host, "list" | "read">, server: string) {
    this.#host = host;
    this.#server = server;
  }

  async load(): Promise<void> {
    for await (const record of this.#host.list(this.#server, "agent")) this.note(record);
  }

  /** What a record tells counts from now on. */
  note({ id: actor, context }: ActorRecord): void {
    const { userId, roomId } = context;
    const known = typeof userId === "string" ? this.#byUser.get(userId) : undefined;
    if (known !== undefined && known.roomId === roomId) return;
    const { data } = kept.safeParse(context);
    if (data === undefined) return;
    if (known?.roomId !== undefined && this.#byRoom.get(known.roomId) === data.userId)
      this.#byRoom.delete(known.roomId);
    this.#byUser.set(data.userId, { actor, ...data });
    if (data.roomId !== undefined) this.#byRoom.set(data.roomId, data.userId);
  }

  by(userId: string): Listening | undefined {
    return this.#byUser.get(userId);
  }

  /** The user whose own room it is. */
  ownerOf(roomId: string): Listening | undefined {
    return this.#byUser.get(this.#byRoom.get(roomId) ?? "");
  }

  all(): IterableIterator<Listening> {
    return this.#byUser.values();
  }

  standingOf(actor: ActorId): Standing {
    let record: ActorRecord | undefined;
    try {
      record = this.#host.read(actor);
    } catch (error) {
      // Of none of them anything is known now: whoever asks has to ask again.
      if (error instanceof Error && error.name === "StoreUnavailable") throw error;
      // What is wrong with it is told elsewhere, and once it is mended it looks back.
      return "looking";
    }
    const { data } = regions.safeParse(record?.value);
    if (data === undefined || !served.has(data.life)) return "closed";
    return data.intake === "pushed" ? "open" : "looking";
  }
}
