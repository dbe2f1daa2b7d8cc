interface TypingRoom {
  readonly users: Map<string, NodeJS.Timeout>;
  at: number;
}

/** Who is typing where. It is not written down: a restart forgets it, and counts anew. */
export class Typing {
  readonly #rooms = new Map<string, TypingRoom>();
  readonly #onChange: (roomId: string) => void;
  #changes = 0;

  constructor(onChange: (roomId: string) => void) {
    this.#onChange = onChange;
  }

  get now(): number {
    return this.#changes;
  }

  set(roomId: string, userId: string, timeoutMs: number | undefined): void {
    const room = this.#rooms.get(roomId) ?? { users: new Map(), at: 0 };
    this.#rooms.set(roomId, room);
    const before = room.users.get(userId);
    clearTimeout(before);
    if (timeoutMs === undefined) {
      if (room.users.delete(userId)) this.#changed(roomId, room);
      return;
    }
    room.users.set(
      userId,
      setTimeout(() => this.set(roomId, userId, undefined), timeoutMs),
    );
    if (before === undefined) this.#changed(roomId, room);
  }

  /** Who types in a room, where that has changed after `since`. */
  after(roomId: string, since: number): readonly string[] | undefined {
    const room = this.#rooms.get(roomId);
    // A place of an earlier life is behind all that there is.
    const from = since > this.#changes ? 0 : since;
    return room !== undefined && room.at > from ? [...room.users.keys()] : undefined;
  }

  #changed(roomId: string, room: TypingRoom): void {
    room.at = ++this.#changes;
    this.#onChange(roomId);
  }
}
