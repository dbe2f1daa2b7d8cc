import { isAgentUser } from "../../machines/addresses.ts";
import { type MatrixClient, MatrixError, type PushedEvent, type Urgency } from "../../matrix/port.ts";
import { isLastWord } from "../last-word.ts";
import type { Listening, Residents } from "./residents.ts";

/** Our users, who can be asked who is where. */
export interface Informants {
  isLoggedIn(userId: string): boolean;
  as(userId: string): { at(urgency: Urgency): Informant };
}

type Informant = Pick<MatrixClient, "joinedMembers" | "joinedRooms">;

const mostAtOnce = 8;

/**
 * Which agents are in which room: asked once for each room, when something is first said there, and kept current by what
 * is pushed.
 */
export class Attendance {
  readonly #sessions: Informants;
  readonly #residents: Residents;
  readonly #botUserId: string;
  readonly #rooms = new Map<string, Set<string>>();
  /** Those of which somebody in there has told who is in there. */
  readonly #told = new Set<string>();
  /** True once all agents have told where they are: then what is not known is empty. */
  #complete = false;
  /** Those who could not tell then. */
  readonly #late = new Set<Listening>();
  #listing: Promise<void> | undefined;

  constructor(sessions: Informants, residents: Residents, botUserId: string) {
    this.#sessions = sessions;
    this.#residents = residents;
    this.#botUserId = botUserId;
  }

  /** User ids. Throws a MatrixError when it cannot be told now. */
  async in(roomId: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const known = this.#rooms.get(roomId);
    if (known !== undefined && (this.#told.has(roomId) || !this.#hasLate())) return known;
    const members = known === undefined ? await this.#asked(roomId, signal) : undefined;
    if (members === undefined) return this.#fromAll(roomId, signal);
    this.#told.add(roomId);
    this.#rooms.set(roomId, members);
    return members;
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
    const found: [roomId: string, userId: string][] = [];
    const late: Listening[] = [];
    const refusals: MatrixError[] = [];
    let listed = 0;
    const left = [...(this.#complete ? this.#late : this.#residents.all())].values();
    const some = async (): Promise<void> => {
      for (const one of left) {
        const rooms = this.#canTell(one) ? await this.#roomsOf(one.userId, signal) : undefined;
        if (rooms instanceof MatrixError) refusals.push(rooms);
        if (rooms === undefined || rooms instanceof MatrixError) late.push(one);
        else {
          listed++;
          for (const roomId of rooms) found.push([roomId, one.userId]);
        }
      }
    };
    await Promise.all(Array.from({ length: mostAtOnce }, some));
    const [refusal] = refusals;
    // Where everybody is refused it is no trouble of one: the token that all of them have may be wrong.
    if (listed === 0 && !this.#complete && refusal !== undefined) throw refusal;
    for (const [roomId, userId] of found) (this.#rooms.get(roomId) ?? this.#add(roomId)).add(userId);
    this.#late.clear();
    for (const one of late) this.#late.add(one);
    this.#complete = true;
  }

  /** Or why this one cannot tell, which keeps nobody else from telling. */
  async #roomsOf(userId: string, signal: AbortSignal): Promise<readonly string[] | MatrixError> {
    try {
      return await this.#client(userId).joinedRooms(signal);
    } catch (error) {
      if (!isOfOne(error)) throw error;
      return error;
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
