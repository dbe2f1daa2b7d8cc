import {
  type Account,
  type Content,
  type CreateRoomRequest,
  type Credentials,
  type Homeserver,
  type MatrixClient,
  MatrixError,
  type MatrixErrorKind,
  type MatrixEvent,
  type MediaFile,
  type Profile,
  type SyncRequest,
} from "../../src/matrix/port.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { Fault, forbidden, notFound } from "../servers/homeserver/fault.ts";
import { authorizeEvent } from "../servers/homeserver/power.ts";
import { FakeClient } from "./fake-client.ts";
import { FakeRoom } from "./fake-room.ts";
import { refusing } from "./refused.ts";

export function matrixError(kind: MatrixErrorKind, retryAfterMs?: number): MatrixError {
  return new MatrixError(kind, `the homeserver says ${kind}`, {
    remedy: "do something about it",
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** One request, as the homeserver saw it. */
export interface Request {
  readonly user: string;
  readonly call: string;
  readonly args: readonly unknown[];
}

interface Failure {
  readonly call: string;
  readonly matches: (request: Request) => boolean;
  readonly error: unknown;
  times: number;
}

/**
 * A homeserver in memory that keeps the promises of the port (fake-homeserver.test.ts), and can be made to fail at anything.
 * It refuses like the stand-in, by the same rules. What a test does to it by itself is refused nothing.
 */
export class FakeHomeserver implements Homeserver {
  readonly serverName = "test";
  readonly clock: Clock;
  readonly requests: Request[] = [];
  readonly rooms = new Map<string, FakeRoom>();
  readonly aliases = new Map<string, string>();
  /** Of all users. */
  readonly passwords = new Map<string, string>();
  readonly profiles = new Map<string, Profile>();
  /** By their mxc:// address. */
  readonly media = new Map<string, MediaFile>();
  readonly #tokens = new Map<string, Credentials>();
  /** Of aliases: who gave them. */
  readonly #givers = new Map<string, string>();
  readonly #sent = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  readonly #failures: Failure[] = [];
  readonly #lost = new Map<string, number>();
  #place = 0;
  #tokensGiven = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async register(account: Account, _signal: AbortSignal): Promise<Credentials> {
    const userId = `@${account.localpart}:${this.serverName}`;
    this.note({ user: userId, call: "register", args: [] });
    refusing(() => {
      if (this.passwords.has(userId)) throw new Fault(400, "M_USER_IN_USE", "User ID already taken");
    });
    this.passwords.set(userId, account.password);
    this.showProfile(userId, { displayName: account.displayName ?? account.localpart });
    return this.#session(userId, account);
  }

  async login(account: Account, _signal: AbortSignal): Promise<Credentials> {
    const userId = `@${account.localpart}:${this.serverName}`;
    this.note({ user: userId, call: "login", args: [] });
    refusing(() => this.assertPassword(userId, account.password), { forbidden: "Restore the instance secret." });
    return this.#session(userId, account);
  }

  /** One more session of a user. */
  sessionOf(userId: string): Credentials {
    return this.#session(userId, { deviceId: "another device" });
  }

  assertPassword(userId: string, password: string): void {
    if (this.passwords.get(userId) !== password) throw forbidden("Invalid username or password");
  }

  /** Of all users, those that are not refused. */
  get sessions(): readonly Credentials[] {
    return [...this.#tokens.values()];
  }

  devicesOf(userId: string): string[] {
    const devices = this.sessions.filter((session) => session.userId === userId).map(({ deviceId }) => deviceId);
    return [...new Set(devices)];
  }

  /** A session that was given earlier. */
  recognise(credentials: Credentials): void {
    this.#tokens.set(credentials.accessToken, credentials);
  }

  as(credentials: Credentials): MatrixClient {
    return new FakeClient(this, credentials);
  }

  /** The next `times` calls of this name fail. */
  fail(call: string, error: unknown, times = 1, matches: (request: Request) => boolean = () => true): void {
    this.#failures.push({ call, error, times, matches });
  }

  /** As if all that is said in the user's rooms were too much for one answer, where of each more than this is asked for. */
  answerLittle(most: number): void {
    const tooMuch = new MatrixError("malformed", "the answer is too large", { remedy: "none", isTooMuch: true });
    this.fail(
      "sync",
      tooMuch,
      Number.POSITIVE_INFINITY,
      ({ args: [request] }) => (request as SyncRequest).filter.timelineLimit > most,
    );
  }

  /** The next `times` calls of this name are carried out, and nobody hears of it; the homeserver itself forgets them. */
  loseAnswers(call: string, times = 1): void {
    this.#lost.set(call, times);
  }

  /** Called when a call was carried out. */
  answer(call: string): void {
    const times = this.#lost.get(call) ?? 0;
    if (times === 0) return;
    this.#lost.set(call, times - 1);
    this.forgetTransactions();
    throw matrixError("unreachable");
  }

  /** All sessions of the user are refused from now on. */
  refuseTokens(userId: string): void {
    for (const [token, credentials] of this.#tokens) if (credentials.userId === userId) this.#tokens.delete(token);
  }

  /** How often this was called. */
  count(call: string, user?: string): number {
    return this.requests.filter((one) => one.call === call && (user === undefined || one.user === user)).length;
  }

  room(roomId: string): FakeRoom {
    const room = this.rooms.get(roomId);
    if (room === undefined) throw notFound(`Not a known room: ${roomId}`);
    return room;
  }

  /** A room that is known of before anything has happened in it. */
  ensureRoom(roomId: string): void {
    if (!this.rooms.has(roomId)) this.rooms.set(roomId, new FakeRoom(roomId));
  }

  /** Somebody says something, or sets a state. */
  post(roomId: string, event: Partial<MatrixEvent> & Pick<MatrixEvent, "sender">): MatrixEvent {
    const place = ++this.#place;
    const posted: MatrixEvent = {
      eventId: `$event-${place}`,
      type: "m.room.message",
      content: { msgtype: "m.text", body: "hello" },
      originServerTs: this.clock.now(),
      ...event,
    };
    this.room(roomId).append({ place, event: posted });
    for (const wake of [...this.#waiting]) wake();
    return posted;
  }

  setMember(roomId: string, userId: string, membership: string, sender = userId): void {
    this.post(roomId, { sender, type: "m.room.member", stateKey: userId, content: { membership } });
  }

  showProfile(userId: string, profile: Profile): void {
    this.profiles.set(userId, { ...this.profiles.get(userId), ...profile });
  }

  giveAlias(alias: string, roomId: string, giver: string): void {
    if (this.aliases.has(alias)) throw new Fault(400, "M_ROOM_IN_USE", "Room alias already taken");
    this.aliases.set(alias, roomId);
    this.#givers.set(alias, giver);
  }

  /** By whoever gave it, or has the power to name another one in the room. */
  takeAlias(alias: string, taker: string): void {
    const room = this.rooms.get(this.aliases.get(alias) ?? "");
    if (room !== undefined && this.#givers.get(alias) !== taker)
      authorizeEvent(room.governed, taker, "m.room.canonical_alias", "", {});
    this.aliases.delete(alias);
  }

  keep(file: MediaFile): string {
    const mxc = `mxc://${this.serverName}/media-${this.media.size + 1}`;
    this.media.set(mxc, file);
    return mxc;
  }

  /** Makes a room as `creator` would; it has an event each for its creation and the creator's join. */
  makeRoom(creator: string, request: Partial<CreateRoomRequest> = {}): string {
    const { aliasLocalpart, initialState = [], roomType } = request;
    const alias = aliasLocalpart === undefined ? undefined : `#${aliasLocalpart}:${this.serverName}`;
    const roomId = `!room-${this.rooms.size + 1}:${this.serverName}`;
    if (alias !== undefined) this.giveAlias(alias, roomId, creator);
    this.rooms.set(roomId, new FakeRoom(roomId));
    const content = { ...request.creationContent, ...(roomType !== undefined && { type: roomType }) };
    this.post(roomId, { sender: creator, type: "m.room.create", stateKey: "", content });
    this.setMember(roomId, creator, "join");
    for (const { type, stateKey, content } of [...ownState(creator, alias, request), ...initialState])
      this.post(roomId, { sender: creator, type, stateKey, content });
    for (const invitee of request.invite ?? []) this.setMember(roomId, invitee, "invite", creator);
    return roomId;
  }

  /** What clients call: notes the request, and fails where it is to fail. */
  note(request: Request): void {
    this.requests.push(request);
    const failure = this.#failures.find((one) => one.times > 0 && one.call === request.call && one.matches(request));
    if (failure === undefined) return;
    failure.times -= 1;
    throw failure.error;
  }

  endSession({ accessToken }: Credentials): void {
    this.#tokens.delete(accessToken);
  }

  /** Whose token it is; it has to be somebody's. */
  ownerOf(accessToken: string): Credentials {
    const owner = this.#tokens.get(accessToken);
    if (owner === undefined) throw new Fault(401, "M_UNKNOWN_TOKEN", "Unrecognised access token");
    return owner;
  }

  /** The event that this transaction made, or makes now. */
  once(key: string, make: () => MatrixEvent): string {
    const known = this.#sent.get(key);
    if (known !== undefined) return known;
    const { eventId } = make();
    this.#sent.set(key, eventId);
    return eventId;
  }

  /** The homeserver does not remember transactions for ever. */
  forgetTransactions(): void {
    this.#sent.clear();
  }

  get place(): number {
    return this.#place;
  }

  /** Resolves with the next event, or after `timeoutMs`. */
  news(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        this.#waiting.delete(end);
        signal.removeEventListener("abort", end);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      const cancel = this.clock.schedule(timeoutMs, end);
      this.#waiting.add(end);
      signal.addEventListener("abort", end);
    });
  }

  #session(userId: string, { deviceId }: Pick<Account, "deviceId">): Credentials {
    const credentials = { userId, deviceId, accessToken: `secret-token-${++this.#tokensGiven}` };
    this.#tokens.set(credentials.accessToken, credentials);
    return credentials;
  }
}

/** What a homeserver puts into a room with a name by itself. */
function ownState(creator: string, alias: string | undefined, request: Partial<CreateRoomRequest>) {
  const { name, topic, powerLevels = {} } = request;
  const users = { [creator]: 100, ...Object(powerLevels["users"]) };
  if (name === undefined) return [];
  const contents: readonly (readonly [string, Content])[] = [
    ["m.room.power_levels", { users_default: 0, events_default: 0, ...powerLevels, users }],
    ...(alias === undefined ? [] : [["m.room.canonical_alias", { alias }] as const]),
    ["m.room.join_rules", { join_rule: "invite" }],
    ["m.room.history_visibility", { history_visibility: "shared" }],
    ["m.room.guest_access", { guest_access: "forbidden" }],
    ["m.room.name", { name }],
    ...(topic === undefined ? [] : [["m.room.topic", { topic, "m.topic": { "m.text": [{ body: topic }] } }] as const]),
  ];
  return contents.map(([type, content]) => ({ type, stateKey: "", content }));
}
