import { isAgentUser } from "../../machines/addresses.ts";
import type { MatrixClient, PushedEvent, Urgency } from "../../matrix/port.ts";
import { isLastWord } from "../last-word.ts";
import type { Residents } from "./residents.ts";

/** Our users, who can be asked who is where. */
export interface Informants {
  isLoggedIn(userId: string): boolean;
  as(userId: string): { at(urgency: Urgency): Informant };
}

type Informant = Pick<MatrixClient, "joinedMembers" | "joinedRooms">;

/**
 * Which agents are in which room: asked once for each room, when something is first said there, and kept current by what
 * is pushed.
 */
export class Attendance {
  readonly #sessions: Informants;
  readonly #residents: Residents;
  readonly #botUserId: string;
  readonly #rooms = new Map<string, Set<string>>();
  /** True once all agents have told where they are: then what is not known is empty. */
  #complete = false;
  #listing: Promise<void> | undefined;

  constructor(sessions: Informants, residents: Residents, botUserId: string) {
    this.#sessions = sessions;
    this.#residents = residents;
    this.#botUserId = botUserId;
  }

  /** User ids. Throws a MatrixError when it cannot be told now. */
  async in(roomId: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const known = this.#rooms.get(roomId);
    if (known !== undefined) return known;
    const present = (await this.#asked(roomId, signal)) ?? (await this.#fromAll(roomId, signal));
    this.#rooms.set(roomId, present);
    return present;
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
        if (!isLastWord(error)) throw error;
      }
    }
    return undefined;
  }

  /** For rooms that are nobody's own, of which the homeserver tells our bot nothing: once for all of them. */
  async #fromAll(roomId: string, signal: AbortSignal): Promise<Set<string>> {
    if (!this.#complete) {
      this.#listing ??= this.#listAll(signal).finally(() => {
        this.#listing = undefined;
      });
      await this.#listing;
    }
    return this.#rooms.get(roomId) ?? this.#add(roomId);
  }

  async #listAll(signal: AbortSignal): Promise<void> {
    const found = new Map<string, Set<string>>();
    for (const { userId } of this.#residents.all()) {
      if (!this.#sessions.isLoggedIn(userId)) continue;
      for (const one of await this.#client(userId).joinedRooms(signal))
        found.set(one, (found.get(one) ?? new Set()).add(userId));
    }
    for (const [one, present] of found) if (!this.#rooms.has(one)) this.#rooms.set(one, present);
    this.#complete = true;
  }

  /** Who came and went while nothing was pushed is not known. */
  forget(): void {
    this.#rooms.clear();
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
