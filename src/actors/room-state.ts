import type { Content, MatrixClient, MatrixEvent } from "../matrix/port.ts";

/** A room's state as it was read, piece by piece. */
export class RoomState {
  readonly #events: ReadonlyMap<string, MatrixEvent>;

  constructor(events: readonly MatrixEvent[]) {
    this.#events = new Map(events.map((event) => [keyOf(event.type, event.stateKey ?? ""), event]));
  }

  static async read(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<RoomState> {
    return new RoomState(await client.roomState(roomId, signal));
  }

  event(type: string, stateKey = ""): MatrixEvent | undefined {
    return this.#events.get(keyOf(type, stateKey));
  }

  /** Whatever its sender wrote. */
  content(type: string, stateKey = ""): MatrixEvent["content"] | undefined {
    return this.event(type, stateKey)?.content;
  }

  /** How many pieces there are. */
  get size(): number {
    return this.#events.size;
  }

  /** The user that made the room: what newer room versions go by, too. */
  get creator(): string | undefined {
    return this.event("m.room.create")?.sender;
  }

  /** In newer room versions the creators stand above all levels, and a level of their own is refused. */
  isAbovePower(userId: string): boolean {
    const { room_version: version = "1", additional_creators: others } = this.content("m.room.create") ?? {};
    const isNewer = typeof version === "string" && (Number(version) >= 12 || version.startsWith("org.matrix.hydra."));
    return isNewer && (this.creator === userId || (Array.isArray(others) && others.includes(userId)));
  }

  membershipOf(userId: string): unknown {
    return this.content("m.room.member", userId)?.["membership"];
  }

  /** All pieces of this type. */
  all(type: string): readonly MatrixEvent[] {
    return [...this.#events.values()].filter((event) => event.type === type);
  }
}

/** Whether all that is wanted is there. Homeservers and clients may add what is theirs. */
export function holds(there: unknown, wanted: Content): boolean {
  return Object.entries(wanted).every(([key, value]) => isSame(fieldOf(there, key), value));
}

function isSame(there: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return there === wanted;
  if (Array.isArray(wanted) || Array.isArray(there)) return JSON.stringify(there) === JSON.stringify(wanted);
  return Object.entries(wanted).every(([key, value]) => isSame(fieldOf(there, key), value));
}

function fieldOf(there: unknown, key: string): unknown {
  if (typeof there !== "object" || there === null || !Object.hasOwn(there, key)) return undefined;
  return Reflect.get(there, key);
}

function keyOf(type: string, stateKey: string): string {
  return `${type} ${stateKey}`;
}
