import type { PushedEvent, Transaction } from "../../matrix/port.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Backlog, Delivery } from "../../runtime/backlog.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import type { Host } from "../../runtime/host.ts";
import { heardTypes } from "../agent/read-back.ts";
import type { Attendance } from "./attendance.ts";
import { asLate, isWord, isWordOnRequest, originOf } from "./held.ts";
import type { Looks } from "./looks.ts";
import type { Listening, Residents } from "./residents.ts";
import { TakenBack } from "./taken-back.ts";
import { type Understanding, understood } from "./understand.ts";

export interface FeedOptions {
  readonly host: Pick<Host, "accept" | "subscribe">;
  readonly backlog: Backlog;
  readonly residents: Residents;
  readonly attendance: Attendance;
  readonly looks: Pick<Looks, "firstOf" | "isDoubtful" | "overdue" | "pushed" | "putBack">;
  readonly clock: Clock;
  /** Read each time. */
  readonly understanding: () => Understanding;
  /** Something of one agent cannot be delivered now: it waits, and nobody else does. */
  readonly onWaiting: (actor: ActorId, error: unknown) => void;
}

/** More than this is not kept for one agent: it looks back instead. */
const mostHeld = 1_000;
/** Before what could not be delivered is tried again, ms. */
const retryAfter = 5_000;

const saidTypes: ReadonlySet<string> = new Set([...heardTypes, "m.reaction"]);

/**
 * Gives each agent what the homeserver pushes of the rooms that it is in, each event once by its id. All of it is durable
 * when a transaction is acknowledged: as a step of the agent, or in the backlog, where what one agent cannot take waits
 * and keeps nobody else's from being taken.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #stopping = new AbortController();
  /** Agents whose backlog is being delivered, or looked through. */
  readonly #delivering = new Map<ActorId, Promise<void>>();
  /** Those among them that got more meanwhile. */
  readonly #again = new Set<ActorId>();
  /** Agents of whose trouble has been told. */
  readonly #told = new Set<ActorId>();
  /** Of those that wait, as far as it is known. */
  #counts: ReadonlyMap<ActorId, number> = new Map();
  #unsubscribe: () => void = () => undefined;
  #retry: Cancel | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { host, residents, backlog, looks } = this.#options;
    this.#unsubscribe = host.subscribe(({ record }) => {
      if (record.machine !== "agent") return;
      residents.note(record);
      if (this.#counts.has(record.id) || looks.overdue.has(record.id)) this.#deliverHeld(record.id);
    });
    await residents.load();
    this.#counts = await backlog.counts();
    for (const actor of this.#counts.keys()) this.#deliverHeld(actor);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the feed ends"));
    this.#unsubscribe();
    this.#retry?.();
    await Promise.allSettled(this.#delivering.values());
  }

  /** Resolves when all of it is durable. Rejects when it is not: then it has to come again. */
  async take({ events }: Transaction): Promise<void> {
    const { signal } = this.#stopping;
    const rooms = new Set(events.filter(({ type }) => saidTypes.has(type)).map(({ roomId }) => roomId));
    // Side by side: of a process that has just started, none is known.
    await Promise.all([...rooms].map((roomId) => this.#options.attendance.in(roomId, signal)));
    const takenBack = new TakenBack(events);
    const deliveries = new Map<ActorId, Delivery[]>();
    for (const event of events) {
      const fate = takenBack.fateOf(event);
      if (fate === "gone") continue;
      this.#options.attendance.note(event);
      const present = await this.#concerned(event, signal);
      const perhaps = saidTypes.has(event.type) ? this.#options.attendance.maybeIn(event.roomId) : [];
      for (const listening of new Set([...present, ...perhaps])) {
        const isCertain = fate === "stays" && present.includes(listening);
        const delivery = this.#deliveryOf(event, listening, isCertain);
        if (delivery === undefined) continue;
        const { actor } = listening;
        deliveries.set(actor, [...(deliveries.get(actor) ?? []), delivery]);
      }
    }
    if (takenBack.ids.size > 0) await this.#takeBack(takenBack);
    for (const actor of deliveries.keys()) this.#options.looks.pushed(actor);
    // All of them, whatever comes of one: what is durable already is dropped when it comes again.
    const taken = await Promise.allSettled([...deliveries].map(([actor, ones]) => this.#give(actor, ones)));
    for (const one of taken) if (one.status === "rejected") throw one.reason;
  }

  /** Gives an agent something else, in its turn. */
  tell(actor: ActorId, delivery: Delivery): Promise<void> {
    return this.#give(actor, [delivery]);
  }

  #deliveryOf(event: PushedEvent, listening: Listening, isCertain: boolean): Delivery | undefined {
    const understanding = this.#options.understanding();
    const pushed = understood(event, listening, understanding);
    if (pushed === undefined) return undefined;
    // What is pushed late may be about what nobody has seen, or have been done and be forgotten: a look tells.
    const isForgotten = event.originServerTs <= understanding.knownSince;
    const heard = pushed.type === "PUSHED" ? pushed.heard : [];
    const isLate = heard.some(
      (one) => (isForgotten && isWord(one)) || (this.#options.looks.isDoubtful && isWordOnRequest(one)),
    );
    // So it does to one of whom nobody can say whether it is in the room, and of what may have been taken back.
    return { event: isLate || !isCertain ? { type: "LOOK_BACK" } : { ...pushed }, id: event.eventId };
  }

  /** Whom the event may mean something to. */
  async #concerned(event: PushedEvent, signal: AbortSignal): Promise<readonly Listening[]> {
    const { residents, attendance } = this.#options;
    if (!saidTypes.has(event.type)) {
      const own = residents.ownerOf(event.roomId);
      const meant = residents.by(event.stateKey ?? "");
      return [...new Set([own, meant])].filter((one) => one !== undefined);
    }
    const present = await attendance.in(event.roomId, signal);
    return [...present].flatMap((userId) => residents.by(userId) ?? []);
  }

  /** In their order, and behind what waits already. */
  async #give(actor: ActorId, deliveries: readonly Delivery[]): Promise<void> {
    const { host, backlog, residents } = this.#options;
    for (const [index, { event, id }] of deliveries.entries()) {
      this.#counts = await backlog.counts();
      try {
        await this.#lookFirst(actor);
        // At once before it is given anything: while it looks it hears nothing of what it is told.
        const standing = residents.standingOf(actor);
        if (standing === "closed") continue;
        if (standing === "looking" || this.#counts.has(actor)) return await this.#hold(actor, deliveries.slice(index));
        await host.accept(actor, event, { id });
      } catch (error) {
        // If it is the store's trouble, nothing can be held either, and all of it comes again.
        await this.#hold(actor, deliveries.slice(index));
        this.#waits(actor, error);
        return;
      }
    }
  }

  /** Has it look back, if it owes that; then it is looking. */
  async #lookFirst(actor: ActorId): Promise<void> {
    const { host, looks } = this.#options;
    const first = looks.firstOf(actor);
    if (first === undefined) return;
    try {
      await host.accept(actor, first.event, { id: first.id });
    } catch (error) {
      looks.putBack(actor);
      throw error;
    }
  }

  async #hold(actor: ActorId, deliveries: readonly Delivery[]): Promise<void> {
    const { backlog } = this.#options;
    const held = (await backlog.counts()).get(actor) ?? 0;
    const room = Math.max(0, mostHeld - held);
    const fitting = deliveries.slice(0, room);
    // What does not fit is read from the rooms, once all before it is delivered.
    const isFull = held <= mostHeld && deliveries.length > room;
    const last = deliveries.at(room);
    const lookBack = isFull && last !== undefined ? [{ event: { type: "LOOK_BACK" }, id: `after ${last.id}` }] : [];
    if (fitting.length + lookBack.length > 0) await backlog.add(actor, [...fitting, ...lookBack]);
    this.#counts = await backlog.counts();
    // It may have changed its mind while this was written down, and nobody would tell of that again.
    this.#deliverHeld(actor);
  }

  /** What its author took back while it waited is given to nobody, and looked up in the room if somebody else did. */
  async #takeBack(takenBack: TakenBack): Promise<void> {
    for (const actor of (await this.#options.backlog.counts()).keys()) {
      while (this.#delivering.has(actor)) await this.#delivering.get(actor);
      await this.#inTurn(actor, () => this.#forget(actor, takenBack));
    }
  }

  async #forget(actor: ActorId, takenBack: TakenBack): Promise<void> {
    const { backlog } = this.#options;
    for (const { key, id, event } of await backlog.among(actor, takenBack.ids)) {
      const origin = originOf(event);
      const fate = origin === undefined ? "stays" : takenBack.fateOf({ eventId: id, ...origin });
      if (fate === "gone") await backlog.remove(actor, key);
      if (fate === "doubtful") await backlog.replace(key, { event: { type: "LOOK_BACK" }, id });
    }
  }

  #deliverHeld(actor: ActorId): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#delivering.has(actor)) {
      this.#again.add(actor);
      return;
    }
    void this.#inTurn(actor, () => this.#deliverAll(actor).catch((error: unknown) => this.#waits(actor, error)));
  }

  /** Of what waits for one agent nothing is given while something is taken out of it. */
  #inTurn(actor: ActorId, work: () => Promise<void>): Promise<void> {
    const turn = work().finally(() => {
      this.#delivering.delete(actor);
      if (this.#again.delete(actor)) this.#deliverHeld(actor);
    });
    this.#delivering.set(actor, turn);
    return turn;
  }

  #waits(actor: ActorId, error: unknown): void {
    if (!this.#told.has(actor)) this.#options.onWaiting(actor, error);
    this.#told.add(actor);
    this.#retryLater();
  }

  async #deliverAll(actor: ActorId): Promise<void> {
    const { host, backlog, residents } = this.#options;
    while (!this.#stopping.signal.aborted) {
      // Read before it looks: whether it does is asked right after, with nothing to wait for in between.
      const next = await backlog.first(actor);
      await this.#lookFirst(actor);
      if (next === undefined) return;
      const standing = residents.standingOf(actor);
      if (standing === "looking") return;
      if (standing === "closed") return backlog.clear(actor);
      await host.accept(actor, asLate(next.event), { id: next.id });
      this.#told.delete(actor);
      await backlog.remove(actor, next.key);
    }
  }

  #retryLater(): void {
    if (this.#stopping.signal.aborted) return;
    this.#retry ??= this.#options.clock.schedule(retryAfter, () => {
      this.#retry = undefined;
      void this.#deliverAllHeld().catch(() => this.#retryLater());
    });
  }

  async #deliverAllHeld(): Promise<void> {
    this.#counts = await this.#options.backlog.counts();
    for (const actor of [...this.#counts.keys(), ...this.#options.looks.overdue]) this.#deliverHeld(actor);
  }
}
