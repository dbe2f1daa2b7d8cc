import { type Content, isObject, type StoredEvent } from "./entries.ts";

/** An event in its place among all events of the homeserver. */
export interface Placed {
  readonly at: number;
  event: StoredEvent;
  /** What took its content away. */
  redaction?: StoredEvent;
}

export interface Membership {
  readonly membership: string;
  readonly at: number;
  readonly eventId: string;
}

/** What stays of the content of a redacted event. */
const kept: Readonly<Record<string, readonly string[]>> = {
  "m.room.member": ["membership", "join_authorised_via_users_server"],
  "m.room.join_rules": ["join_rule", "allow"],
  "m.room.history_visibility": ["history_visibility"],
  "m.room.power_levels": [
    ...["ban", "events", "events_default", "invite", "kick", "redact", "state_default", "users", "users_default"],
  ],
};

/** One room: all that happened in it, and what is the case now. */
export class Room {
  readonly id: string;
  readonly events: Placed[] = [];
  readonly #state = new Map<string, Placed>();
  readonly #byId = new Map<string, Placed>();
  readonly #memberships = new Map<string, Membership[]>();
  readonly #replacements = new Map<string, StoredEvent>();
  /** User to the event that it has read, with the place at which it said so. */
  readonly receipts = new Map<string, { readonly eventId: string; readonly ts: number; readonly at: number }>();

  constructor(id: string) {
    this.id = id;
  }

  add(placed: Placed): void {
    const { event } = placed;
    this.events.push(placed);
    this.#byId.set(event.event_id, placed);
    if (event.redacts !== undefined) this.#redact(event.redacts, event);
    const replaced = replacedBy(event);
    if (replaced !== undefined && this.#byId.get(replaced)?.event.sender === event.sender)
      this.#replacements.set(replaced, event);
    if (event.state_key === undefined) return;
    this.#state.set(stateName(event.type, event.state_key), placed);
    if (event.type !== "m.room.member") return;
    const earlier = this.#memberships.get(event.state_key) ?? [];
    const membership = { membership: String(event.content["membership"]), at: placed.at, eventId: event.event_id };
    this.#memberships.set(event.state_key, [...earlier, membership]);
  }

  find(eventId: string): StoredEvent | undefined {
    return this.#byId.get(eventId)?.event;
  }

  newestEditOf(eventId: string): StoredEvent | undefined {
    return this.#replacements.get(eventId);
  }

  state(type: string, stateKey = ""): StoredEvent | undefined {
    return this.#state.get(stateName(type, stateKey))?.event;
  }

  content(type: string, stateKey = ""): Content | undefined {
    return this.state(type, stateKey)?.content;
  }

  /** Each piece of the state as it was after what happened at `at`. */
  stateAt(at: number): ReadonlyMap<string, Placed> {
    if (at >= (this.events.at(-1)?.at ?? 0)) return this.#state;
    const state = new Map<string, Placed>();
    for (const placed of this.events) {
      if (placed.at > at) break;
      const { type, state_key: key } = placed.event;
      if (key !== undefined) state.set(stateName(type, key), placed);
    }
    return state;
  }

  /** Of this user, as of now or as it was at a time. */
  membershipOf(userId: string, at = Number.POSITIVE_INFINITY): Membership | undefined {
    return this.#memberships.get(userId)?.findLast((one) => one.at <= at);
  }

  isIn(userId: string): boolean {
    return this.membershipOf(userId)?.membership === "join";
  }

  get joined(): readonly string[] {
    return [...this.#memberships.keys()].filter((userId) => this.isIn(userId));
  }

  /** Which of the events a user may read: from `after` (without it) up to `until`. Undefined: none. */
  readableBy(userId: string): { readonly after: number; readonly until: number } | undefined {
    const memberships = this.#memberships.get(userId) ?? [];
    const first = (...kinds: string[]) => memberships.find(({ membership }) => kinds.includes(membership))?.at;
    const joined = first("join");
    if (joined === undefined) return undefined;
    const visibility = this.content("m.room.history_visibility")?.["history_visibility"];
    const after = visibility === "joined" ? joined : visibility === "invited" ? (first("invite", "join") ?? joined) : 0;
    const now = memberships.at(-1);
    const isGone = now?.membership === "leave" || now?.membership === "ban";
    return { after: Math.max(0, after - 1), until: isGone ? now.at : Number.POSITIVE_INFINITY };
  }

  get version(): string {
    return String(this.content("m.room.create")?.["room_version"] ?? "1");
  }

  #redact(eventId: string, redaction: StoredEvent): void {
    const placed = this.#byId.get(eventId);
    if (placed === undefined) return;
    const replaced = replacedBy(placed.event);
    if (replaced !== undefined && this.#replacements.get(replaced)?.event_id === eventId)
      this.#replacements.delete(replaced);
    this.#replacements.delete(eventId);
    const keys = kept[placed.event.type] ?? [];
    const left = Object.entries(placed.event.content).filter(([key]) => keys.includes(key));
    placed.event = { ...placed.event, content: Object.fromEntries(left) };
    placed.redaction = redaction;
  }
}

export function stateName(type: string, stateKey: string): string {
  return JSON.stringify([type, stateKey]);
}

function replacedBy({ content }: StoredEvent): string | undefined {
  const relation = content["m.relates_to"];
  if (!isObject(relation) || relation["rel_type"] !== "m.replace") return undefined;
  return typeof relation["event_id"] === "string" ? relation["event_id"] : undefined;
}
