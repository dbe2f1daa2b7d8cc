import { agentLocalpart, agentUserId, localpartOf } from "../../machines/addresses.ts";
import {
  type Credentials,
  type Homeserver,
  type HomeserverAdmin,
  type MatrixClient,
  MatrixError,
} from "../../matrix/port.ts";
import type { Clock } from "../../runtime/clock.ts";
import { adoptionMark, adoptionMarker, roomMark, roomMarker } from "../marker.ts";
import type { Identity, Sessions } from "../sessions.ts";
import { checkRoom, type RoomCheck } from "./room-check.ts";

/** An agent as another system had it on Matrix. */
export interface Inherited {
  readonly agentId: string;
  readonly userId: string;
  /** A secret. */
  readonly password: string;
  /** Left out where it had none. */
  readonly roomId?: string;
}

export interface AdoptionOptions {
  readonly homeserver: Homeserver;
  readonly sessions: Sessions;
  readonly identity: Identity;
  readonly clock: Pick<Clock, "now">;
  readonly admin?: HomeserverAdmin;
  /** The room that an agent has here already. */
  readonly roomOf: (agentId: string) => string | undefined;
}

/** What was done, or would be. */
export type Adopted =
  | { readonly outcome: "done"; readonly roomId?: string; readonly steps: string[] }
  /** For good: what stands in the way, and what a person can do. Nothing was changed. */
  | { readonly outcome: "refused"; readonly reason: string; readonly remedy: string }
  /** For now. */
  | { readonly outcome: "later"; readonly reason: string; readonly retryAfterMs: number };

class Refused extends Error {
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(reason);
    this.remedy = remedy;
  }
}

const retryAfterMs = 10_000;

/** Takes over users and rooms from another system. Each agent by itself, and safe to repeat. */
export class Adoption {
  readonly #options: AdoptionOptions;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** With `dryRun` nothing is changed: a session that is needed for looking is ended again. */
  async adopt(inherited: Inherited, dryRun: boolean, signal: AbortSignal): Promise<Adopted> {
    try {
      return await this.#adopt(inherited, dryRun, signal);
    } catch (error) {
      if (error instanceof Refused) return { outcome: "refused", reason: error.message, remedy: error.remedy };
      if (!(error instanceof MatrixError)) throw error;
      const { kind, message: reason, remedy } = error;
      if (kind === "limited") return { outcome: "later", reason, retryAfterMs: error.retryAfterMs ?? retryAfterMs };
      return kind === "unreachable"
        ? { outcome: "later", reason, retryAfterMs }
        : { outcome: "refused", reason, remedy };
    }
  }

  async #adopt(inherited: Inherited, dryRun: boolean, signal: AbortSignal): Promise<Adopted> {
    const { homeserver, sessions } = this.#options;
    const { agentId, userId, password } = inherited;
    const expected = agentUserId(homeserver.serverName, agentId);
    if (userId !== expected)
      throw new Refused(
        `its user is ${userId}, and would be ${expected} here`,
        "Leave it out of the mapping: it gets the user and the room that it has here.",
      );
    if (sessions.isLoggedIn(userId)) return this.#finish(inherited, sessions.as(userId), [], dryRun, signal);
    const credentials = await this.#logIn(inherited, signal);
    const client = homeserver.as(credentials);
    const keeping = `keep ${userId} and its password`;
    let kept = false;
    try {
      const done = await this.#finish(inherited, client, [keeping], dryRun, signal);
      // Its session last: with it a program that runs may begin to look for the room.
      if (!dryRun) await sessions.keep(credentials, password);
      kept = !dryRun;
      return done;
    } finally {
      // What the look at it cost is undone as far as it goes.
      if (!kept) await client.logOut(signal).catch(() => undefined);
    }
  }

  async #logIn({ userId, password }: Inherited, signal: AbortSignal): Promise<Credentials> {
    const { homeserver, identity, admin } = this.#options;
    const localpart = localpartOf(userId);
    try {
      return await homeserver.login({ localpart, password, deviceId: identity.deviceIdOf(userId) }, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && error.kind === "forbidden")) throw error;
      if ((await admin?.exists(userId, signal)) === false)
        throw new Refused(
          `the homeserver knows no ${userId}`,
          "Leave it out of the mapping: it gets a user and a room when the program runs.",
        );
      throw new Refused(
        `the homeserver does not know ${userId} by the password in the mapping`,
        "Correct the password in the mapping.",
      );
    }
  }

  async #finish(
    inherited: Inherited,
    client: MatrixClient,
    steps: readonly string[],
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<Adopted> {
    const roomId = await this.#findRoom(inherited, client, signal);
    if (roomId === undefined) return { outcome: "done", steps: [...steps, "make a room: it has none yet"] };
    const { agentId, userId } = inherited;
    const check = checkRoom(await stateOf(client, roomId, userId, signal), userId, agentId);
    this.#assertAdoptable(inherited, roomId, check);
    const more = await this.#takeOver(inherited, client, roomId, check, dryRun, signal);
    return { outcome: "done", roomId, steps: [...steps, ...more] };
  }

  async #findRoom({ agentId, roomId }: Inherited, client: MatrixClient, signal: AbortSignal) {
    const known = this.#options.roomOf(agentId);
    const byAlias = await client.resolveAlias(this.#aliasOf(agentId), signal);
    for (const [other, what] of [
      [known, "has a room here already"],
      [byAlias, `${this.#aliasOf(agentId)} names another room`],
    ] as const)
      if (roomId !== undefined && other !== undefined && other !== roomId)
        throw new Refused(
          `${what}, ${other}`,
          "Decide which of the two it shall be: set room_id in the mapping to that one, or delete the alias of the other.",
        );
    return roomId ?? known ?? byAlias;
  }

  #assertAdoptable({ agentId, userId }: Inherited, roomId: string, check: RoomCheck): void {
    if (!check.isJoined)
      throw new Refused(`${userId} is not in ${roomId}`, "Invite it and let it join, or set room_id to null.");
    if (check.owner !== undefined && check.owner !== agentId)
      throw new Refused(`${roomId} is the room of ${check.owner}`, "Correct the mapping.");
    if (check.isEncrypted)
      throw new Refused(
        `${roomId} is encrypted, and agents cannot read that`,
        "Set room_id to null: it gets a new room.",
      );
    if (!check.mayMark && this.#options.admin === undefined)
      throw new Refused(
        `${userId} has not the power to set the state of ${roomId}`,
        "Give it power 100 there, or set homeserver.admin_token.",
      );
  }

  /** Marked before it is found by its alias: what is found there unmarked would be refused. */
  async #takeOver(
    { agentId, userId }: Inherited,
    client: MatrixClient,
    roomId: string,
    check: RoomCheck,
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { admin, clock } = this.#options;
    const alias = this.#aliasOf(agentId);
    const set = (type: string, content: Parameters<MatrixClient["sendState"]>[3]) =>
      client.sendState(roomId, type, "", content, signal);
    const steps: readonly (readonly [isNeeded: boolean, what: string, work: () => Promise<unknown>])[] = [
      [!check.mayMark, `give ${userId} power in ${roomId}`, async () => admin?.makeRoomAdmin(roomId, userId, signal)],
      [check.owner !== agentId, `mark ${roomId} as its own`, () => set(roomMarker, roomMark(agentId))],
      [
        !check.isOurs,
        "answer what is said there from now on",
        () => set(adoptionMarker, adoptionMark({ agentId, at: clock.now() })),
      ],
      [
        (await client.resolveAlias(alias, signal)) === undefined,
        `give it the alias ${alias}`,
        () => client.createAlias(alias, roomId, signal),
      ],
    ];
    const needed = steps.filter(([isNeeded]) => isNeeded);
    if (!dryRun) for (const [, , work] of needed) await work();
    return needed.map(([, what]) => what);
  }

  #aliasOf(agentId: string): string {
    return `#${agentLocalpart(agentId)}:${this.#options.homeserver.serverName}`;
  }
}

async function stateOf(client: MatrixClient, roomId: string, userId: string, signal: AbortSignal) {
  try {
    return await client.roomState(roomId, signal);
  } catch (error) {
    if (!(error instanceof MatrixError && ["forbidden", "missing", "refused"].includes(error.kind))) throw error;
    throw new Refused(`${userId} is not in ${roomId}`, "Invite it and let it join, or set room_id to null.");
  }
}
