import type { Entry } from "./entries.ts";
import type { Journal } from "./journal.ts";
import { type Placed, Room } from "./room.ts";
import { Sessions } from "./sessions.ts";

export interface User {
  readonly userId: string;
  readonly admin: boolean;
  password: string;
  displayname?: string;
  avatar_url?: string;
  /** Whether an administrator has lifted its limits. */
  exempt: boolean;
}

/** An event where it is. */
export interface PlacedInRoom {
  readonly room: Room;
  readonly placed: Placed;
}

/** What an application service is owed. */
export interface PushState {
  /** Up to here everything is taken, or in transactions. */
  handled: number;
  /** The places of the events of each transaction that it has not taken. */
  readonly unsent: Map<number, readonly number[]>;
  isDown: boolean;
}

export interface Alias {
  readonly roomId: string;
  readonly creator: string;
}

/** All that the homeserver knows. It changes only by what is written down first. */
export class HomeserverState {
  readonly users = new Map<string, User>();
  readonly sessions = new Sessions();
  readonly rooms = new Map<string, Room>();
  readonly aliases = new Map<string, Alias>();
  readonly media = new Map<string, { readonly contentType: string; readonly bytes: Buffer }>();
  readonly registrationTokens = new Set<string>();
  /** A transaction's name to the event that it made. */
  readonly transactions = new Map<string, string>();
  /** User to all rooms that it was ever in or invited into. */
  readonly #pushes = new Map<string, PushState>();
  /** All events, in their order. */
  readonly #stream: PlacedInRoom[] = [];
  readonly #roomsOf = new Map<string, Set<Room>>();
  readonly #journal: Journal;
  readonly #onChange: (userIds: ReadonlySet<string>) => void;
  #events = 0;
  #receipts = 0;

  /** `onChange` is told whom each change concerns. */
  constructor(journal: Journal, onChange: (userIds: ReadonlySet<string>) => void) {
    this.#journal = journal;
    this.#onChange = onChange;
    for (const entry of journal.past) this.#apply(entry);
  }

  /** How much has happened: a place in the homeserver's stream of events, and of receipts. */
  get now(): { readonly events: number; readonly receipts: number } {
    return { events: this.#events, receipts: this.#receipts };
  }

  /** Writes down what happens, all of it or nothing, and lets it happen. */
  commit(...entries: readonly Entry[]): void {
    this.#journal.append(entries);
    const concerned = new Set<string>();
    for (const entry of entries) {
      this.#apply(entry);
      const room = this.rooms.get(
        entry.what === "event" ? entry.event.room_id : entry.what === "receipt" ? entry.roomId : "",
      );
      for (const userId of room?.joined ?? []) concerned.add(userId);
      if (entry.what === "event" && entry.event.type === "m.room.member") concerned.add(entry.event.state_key ?? "");
    }
    this.#onChange(concerned);
  }

  roomsOf(userId: string): Iterable<Room> {
    return this.#roomsOf.get(userId) ?? [];
  }

  placedAt(at: number): PlacedInRoom | undefined {
    return this.#stream[at - 1];
  }

  after(at: number): readonly PlacedInRoom[] {
    return this.#stream.slice(at);
  }

  /** From now on it is owed what happens; whatever was before, it is not. */
  owe(service: string): void {
    if (!this.#pushes.has(service)) this.commit({ what: "pushes handled", service, at: this.#events });
  }

  pushesTo(service: string): PushState {
    const known = this.#pushes.get(service) ?? { handled: 0, unsent: new Map(), isDown: false };
    this.#pushes.set(service, known);
    return known;
  }

  #apply(entry: Entry): void {
    switch (entry.what) {
      case "user": {
        const { userId, password, admin, displayName } = entry;
        const named = displayName === undefined ? {} : { displayname: displayName };
        this.users.set(userId, { userId, password, admin, exempt: false, ...named });
        return;
      }
      case "password": {
        const user = this.users.get(entry.userId);
        if (user !== undefined) user.password = entry.password;
        if (entry.logOut) this.sessions.endAllOf(entry.userId);
        return;
      }
      case "session":
        this.sessions.open(entry);
        return;
      case "logout":
        this.sessions.end(entry.token);
        return;
      case "profile": {
        const user = this.users.get(entry.userId);
        if (user !== undefined) user[entry.field] = entry.value;
        return;
      }
      case "exempt": {
        const user = this.users.get(entry.userId);
        if (user !== undefined) user.exempt = true;
        return;
      }
      case "registration token":
        this.registrationTokens.add(entry.token);
        return;
      case "event":
        this.#addEvent(entry.event);
        return;
      case "transaction":
        this.transactions.set(entry.name, entry.eventId);
        return;
      case "alias":
        this.aliases.set(entry.alias, entry);
        return;
      case "alias deleted":
        this.aliases.delete(entry.alias);
        return;
      case "receipt": {
        const { roomId, userId, eventId, ts } = entry;
        this.rooms.get(roomId)?.receipts.set(userId, { eventId, ts, at: ++this.#receipts });
        return;
      }
      case "pushes handled":
        this.pushesTo(entry.service).handled = entry.at;
        return;
      case "pushes stored":
        this.pushesTo(entry.service).unsent.set(entry.txnId, entry.ats);
        return;
      case "pushes sent":
        this.pushesTo(entry.service).unsent.delete(entry.txnId);
        return;
      case "pushes down":
        this.pushesTo(entry.service).isDown = entry.down;
        return;
      case "media":
        this.media.set(entry.id, { contentType: entry.contentType, bytes: Buffer.from(entry.base64, "base64") });
        return;
    }
  }

  #addEvent(event: Extract<Entry, { what: "event" }>["event"]): void {
    const room = this.rooms.get(event.room_id) ?? new Room(event.room_id);
    this.rooms.set(room.id, room);
    const placed = { at: ++this.#events, event };
    room.add(placed);
    this.#stream.push({ room, placed });
    if (event.type !== "m.room.member" || event.state_key === undefined) return;
    const rooms = this.#roomsOf.get(event.state_key) ?? new Set();
    this.#roomsOf.set(event.state_key, rooms.add(room));
  }
}
