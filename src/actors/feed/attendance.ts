import { isAgentUser } from "../../machines/addresses.ts";
import { type MatrixClient, MatrixError, type PushedEvent, type Urgency } from "../../matrix/port.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isLastWord } from "../last-word.ts";
import type { Listening, Residents } from "./residents.ts";

/** Our users, who can be asked who is where. */
export interface Informants {
  isLoggedIn(userId: string): boolean;
  as(userId: string): { at(urgency: Urgency): Informant };
}

/** In which rooms one is, or why that cannot be told; nothing of one that has no session, or is gone. */
interface Told {
  readonly one: Listening;
  readonly rooms: readonly string[] | MatrixError | undefined;
}

type Informant = Pick<MatrixClient, "joinedMembers" | "joinedRooms">;

const mostAtOnce = 8;
/** So many who one after the other get no answer are no trouble of theirs: of thousands not each is waited for. */
const mostInVain = 4 * mostAtOnce;
/** What is said waits for it meanwhile, ms. */
const patience = 10_000;
/** Before those who could not tell are asked once more, ms. */
const askAgainAfter = 60_000;

/**
 * Which agents are in which room: asked once for each room, when something is first said there, and kept current by what
 * is pushed.
 */
export class Attendance {
  readonly #sessions: Informants;
  readonly #residents: Residents;
  readonly #botUserId: string;
  readonly #clock: Clock;
  readonly #rooms = new Map<string, Set<string>>();
  /** Those of which somebody in there has told who is in there. */
  readonly #told = new Set<string>();
  /** True once all agents have told where they are: then what is not known is empty. */
  #complete = false;
  /** Those who had no session that is good then. */
  readonly #late = new Set<Listening>();
  /** Those whom the homeserver would not tell, although it told others. */
  #failing: ReadonlySet<Listening> = new Set();
  #listing: Promise<void> | undefined;
  /** When those who fail are asked once more, by the clock's even time. */
  #askAgainAt = 0;

  constructor(sessions: Informants, residents: Residents, botUserId: string, clock: Clock) {
    this.#sessions = sessions;
    this.#residents = residents;
    this.#botUserId = botUserId;
    this.#clock = clock;
  }

  /** User ids. Throws a MatrixError when it cannot be told now. */
  async in(roomId: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    this.#askAgain(signal);
    const known = this.#rooms.get(roomId);
    if (known !== undefined && (this.#told.has(roomId) || !this.#hasLate())) return known;
    const members = known === undefined ? await this.#asked(roomId, signal) : undefined;
    if (members === undefined) return this.#fromAll(roomId, signal);
    this.#told.add(roomId);
    this.#rooms.set(roomId, members);
    return members;
  }

  /** Those who may be in there besides, so far as anybody can tell now. */
  maybeIn(roomId: string): Iterable<Listening> {
    return this.#told.has(roomId) ? [] : this.#failing;
  }

  note({ roomId, type, stateKey, content }: Pick<PushedEvent, "roomId" | "type" | "stateKey" | "content">): void {
    if (type !== "m.room.member" || stateKey === undefined || !isAgentUser(stateKey)) return;
    const isIn = content["membership"] === "join";
    // A room of which nothing else is known is asked about when something is said there.
    const present = this.#rooms.get(roomId) ?? (this.#complete && isIn ? this.#add(roomId) : undefined);
    if (isIn) present?.add(stateKey);
    else present?.delete(stateKey);
  }

  /** Only somebody who is in the room is told; where we are an application service, our bot is in any case by some. */
  async #asked(roomId: string, signal: AbortSignal): Promise<Set<string> | undefined> {
    const owner = this.#residents.ownerOf(roomId)?.userId;
    for (const userId of [owner, this.#botUserId]) {
      if (userId === undefined || !this.#sessions.isLoggedIn(userId)) continue;
      try {
        const members = await this.#client(userId).joinedMembers(roomId, signal);
        return new Set(members.filter(isAgentUser));
      } catch (error) {
        // If the homeserver cannot tell of this room alone, the agents tell: nobody else's rooms wait for it.
        if (!isOfOne(error) && !isFailure(error)) throw error;
      }
    }
    return undefined;
  }

  /** For rooms of which the homeserver tells neither their owner nor our bot anything: once for all of them. */
  async #fromAll(roomId: string, signal: AbortSignal): Promise<Set<string>> {
    if (!this.#complete || this.#hasLate()) {
      this.#listing ??= this.#list(signal).finally(() => {
        this.#listing = undefined;
      });
      await this.#listing;
    }
    return this.#rooms.get(roomId) ?? this.#add(roomId);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const isFirst = !this.#complete;
    const answers = await this.#ask(isFirst ? this.#residents.all() : this.#late, isFirst, signal);
    const refusals = answers.filter(({ rooms }) => rooms instanceof MatrixError);
    this.#late.clear();
    for (const { one, rooms } of answers)
      if (rooms === undefined || (rooms instanceof MatrixError && rooms.kind === "token")) this.#late.add(one);
    const failing = refusals.filter(({ one }) => !this.#late.has(one)).map(({ one }) => one);
    if (failing.length > 0) this.#askAgainAt = this.#clock.elapsed() + askAgainAfter;
    this.#failing = new Set([...this.#failing, ...failing]);
    this.#enter(answers);
    this.#complete = true;
  }

  /** In nobody's way: whatever is said meanwhile where those may be, they look for. */
  #askAgain(signal: AbortSignal): void {
    if (this.#failing.size === 0 || this.#clock.elapsed() < this.#askAgainAt) return;
    this.#askAgainAt = this.#clock.elapsed() + askAgainAfter;
    const asked = this.#failing;
    this.#ask(asked, false, signal)
      .then((answers) => {
        // What was forgotten meanwhile is asked of all.
        if (this.#failing !== asked) return;
        this.#enter(answers);
        this.#failing = new Set(answers.filter(({ rooms }) => !Array.isArray(rooms)).map(({ one }) => one));
      })
      .catch(() => undefined);
  }

  /** Throws where nobody is answered, or so many in a row are not: of `all` that is no trouble of one. */
  async #ask(ones: Iterable<Listening>, isOfAll: boolean, signal: AbortSignal): Promise<readonly Told[]> {
    const answers: Told[] = [];
    let inVain = 0;
    let failure: MatrixError | undefined;
    const left = [...ones].values();
    const some = async (): Promise<void> => {
      for (const one of left) {
        if (isOfAll && inVain >= mostInVain) return;
        const rooms = this.#canTell(one) ? await this.#roomsOf(one.userId, signal) : undefined;
        answers.push({ one, rooms });
        if (rooms instanceof MatrixError) failure ??= rooms;
        if (rooms instanceof MatrixError && !isOfOne(rooms)) inVain++;
        else if (rooms !== undefined) inVain = 0;
      }
    };
    await Promise.all(Array.from({ length: mostAtOnce }, some));
    const isAnswered = answers.some(({ rooms }) => Array.isArray(rooms));
    // Where everybody is refused it is no trouble of one: the token that all of them have may be wrong.
    if (isOfAll && failure !== undefined && (!isAnswered || inVain >= mostInVain)) throw failure;
    return answers;
  }

  #enter(answers: readonly Told[]): void {
    for (const { one, rooms } of answers)
      if (rooms !== undefined && !(rooms instanceof MatrixError))
        for (const roomId of rooms) (this.#rooms.get(roomId) ?? this.#add(roomId)).add(one.userId);
  }

  /** Or why this one cannot tell, which keeps nobody else from telling. */
  async #roomsOf(userId: string, signal: AbortSignal): Promise<readonly string[] | MatrixError> {
    const waited = new AbortController();
    const tooLong = new MatrixError("unreachable", `the homeserver does not say in which rooms ${userId} is`, {
      remedy: "It is asked again.",
    });
    const cancel = this.#clock.schedule(patience, () => waited.abort(tooLong));
    try {
      return await this.#client(userId).joinedRooms(AbortSignal.any([signal, waited.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (waited.signal.aborted) return tooLong;
      if (!(error instanceof MatrixError)) throw error;
      return error;
    } finally {
      cancel();
    }
  }

  #hasLate(): boolean {
    return [...this.#late].some((one) => this.#canTell(one));
  }

  #canTell({ actor, userId }: Listening): boolean {
    return this.#sessions.isLoggedIn(userId) && this.#residents.standingOf(actor) !== "closed";
  }

  /** Who came and went while nothing was pushed is not known. */
  forget(): void {
    this.#rooms.clear();
    this.#told.clear();
    this.#late.clear();
    this.#failing = new Set();
    this.#complete = false;
  }

  #add(roomId: string): Set<string> {
    const present = new Set<string>();
    this.#rooms.set(roomId, present);
    return present;
  }

  #client(userId: string): Informant {
    return this.#sessions.as(userId).at("conversation");
  }
}

/** It is about the user who asks, or the room, and not about the homeserver. */
function isOfOne(error: unknown): error is MatrixError {
  return isLastWord(error) || (error instanceof MatrixError && error.kind === "token");
}

/** It could be about anything: the room, or all of the homeserver. */
function isFailure(error: unknown): boolean {
  return error instanceof MatrixError && (error.kind === "unreachable" || error.kind === "malformed");
}
