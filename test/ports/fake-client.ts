import { isDeepStrictEqual } from "node:util";
import { encodeJson } from "../../src/matrix/json.ts";
import type {
  Content,
  CreateRoomRequest,
  Credentials,
  DownloadedFile,
  MatrixClient,
  MatrixEvent,
  MediaFile,
  MessagesRequest,
  MessagesResponse,
  Profile,
  SearchRequest,
  SearchResponse,
  SyncFilter,
  SyncRequest,
  SyncResponse,
  Urgency,
} from "../../src/matrix/port.ts";
import { Fault, forbidden, notFound } from "../servers/homeserver/fault.ts";
import { assertMatrixJson } from "../servers/homeserver/matrix-json.ts";
import { authorizeEvent, levelOf, powerOf } from "../servers/homeserver/power.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";
import { type FakeRoom, placeOf, tokenOf } from "./fake-room.ts";
import { refusing } from "./refused.ts";

/** One user's client of a {@link FakeHomeserver}. */
export class FakeClient implements MatrixClient {
  readonly userId: string;
  readonly #server: FakeHomeserver;
  readonly #credentials: Credentials;

  constructor(server: FakeHomeserver, credentials: Credentials) {
    this.userId = credentials.userId;
    this.#server = server;
    this.#credentials = credentials;
  }

  at(_urgency: Urgency): MatrixClient {
    return this;
  }

  async sync(request: SyncRequest, signal: AbortSignal): Promise<SyncResponse> {
    const { since, timeoutMs, filter } = request;
    await this.#begin("sync", [request], signal);
    const place = since === undefined ? undefined : refusing(() => placeOf(since));
    const until = this.#server.clock.now() + timeoutMs;
    while (place !== undefined && this.#isQuiet(place, filter) && this.#server.clock.now() < until) {
      await this.#server.news(until - this.#server.clock.now(), signal);
      refusing(() => this.#server.ownerOf(this.#credentials.accessToken));
    }
    return { nextBatch: tokenOf(this.#server.place), ...this.#look(place, filter) };
  }

  #isQuiet(place: number, filter: SyncFilter): boolean {
    return Object.values(this.#look(place, filter)).every((rooms) => rooms.length === 0);
  }

  #look(place: number | undefined, filter: SyncFilter): Omit<SyncResponse, "nextBatch"> {
    const rooms = [...this.#server.rooms.values()];
    const changed = (membership: string): FakeRoom[] =>
      rooms.filter(
        (room) =>
          room.membershipOf(this.userId) === membership && (room.membershipPlace(this.userId) ?? 0) > (place ?? 0),
      );
    return {
      joined: rooms
        .filter((room) => room.membershipOf(this.userId) === "join")
        .flatMap((room) => room.since(place, filter) ?? []),
      invited: changed("invite").map((room) => {
        const inviter = room.membershipSender(this.userId);
        return { roomId: room.roomId, ...(inviter !== undefined && { inviter }) };
      }),
      left: place === undefined ? [] : [...changed("leave"), ...changed("ban")].map(({ roomId }) => roomId),
    };
  }

  messages(roomId: string, request: MessagesRequest, signal: AbortSignal): Promise<MessagesResponse> {
    return this.#do("messages", [roomId, request], signal, () => this.#asSeen(roomId).messages(request));
  }

  event(roomId: string, eventId: string, signal: AbortSignal): Promise<MatrixEvent | undefined> {
    return this.#do("event", [roomId, eventId], signal, () => this.#asSeen(roomId).find(eventId));
  }

  send(roomId: string, type: string, txnId: string, content: Content, signal: AbortSignal): Promise<string> {
    return this.#do("send", [roomId, type, txnId, content], signal, () => {
      const room = this.#joined(roomId);
      const sent = asSent(content);
      const { userId: sender } = this;
      const eventId = this.#once(txnId, () => {
        authorizeEvent(room.governed, sender, type, undefined, sent);
        return this.#server.post(roomId, { sender, type, content: sent });
      });
      this.#server.answer("send");
      return eventId;
    });
  }

  sendState(roomId: string, type: string, stateKey: string, content: Content, signal: AbortSignal): Promise<string> {
    return this.#do("sendState", [roomId, type, stateKey, content], signal, () => {
      const room = this.#joined(roomId);
      const sent = asSent(content);
      const { userId: sender } = this;
      authorizeEvent(room.governed, sender, type, stateKey, sent);
      const now = room.stateEvent(type, stateKey);
      const isSo = now?.sender === sender && isDeepStrictEqual(now.content, sent);
      return isSo ? now.eventId : this.#server.post(roomId, { sender, type, stateKey, content: sent }).eventId;
    });
  }

  state(roomId: string, type: string, stateKey: string, signal: AbortSignal): Promise<Content | undefined> {
    return this.#do("state", [roomId, type, stateKey], signal, () => this.#readable(roomId).state(type, stateKey));
  }

  roomState(roomId: string, signal: AbortSignal): Promise<readonly MatrixEvent[]> {
    return this.#do("roomState", [roomId], signal, () => {
      const room = this.#server.rooms.get(roomId);
      const membership = room?.membershipOf(this.userId);
      if (room === undefined || membership === undefined || membership === "invite") throw forbidden("not in the room");
      return room.stateEvents(membership === "join" ? undefined : room.membershipPlace(this.userId));
    });
  }

  createRoom(request: CreateRoomRequest, signal: AbortSignal): Promise<string> {
    return this.#do("createRoom", [request], signal, () => this.#server.makeRoom(this.userId, request));
  }

  resolveAlias(alias: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#do("resolveAlias", [alias], signal, () => this.#server.aliases.get(alias));
  }

  createAlias(alias: string, roomId: string, signal: AbortSignal): Promise<void> {
    return this.#do("createAlias", [alias, roomId], signal, () => {
      this.#joined(roomId);
      this.#server.giveAlias(alias, roomId, this.userId);
    });
  }

  deleteAlias(alias: string, signal: AbortSignal): Promise<void> {
    return this.#do("deleteAlias", [alias], signal, () => this.#server.takeAlias(alias, this.userId));
  }

  joinedRooms(signal: AbortSignal): Promise<readonly string[]> {
    return this.#do("joinedRooms", [], signal, () =>
      [...this.#server.rooms.values()]
        .filter((room) => room.membershipOf(this.userId) === "join")
        .map(({ roomId }) => roomId),
    );
  }

  joinedMembers(roomId: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#do("joinedMembers", [roomId], signal, () => this.#joined(roomId).members);
  }

  join(roomIdOrAlias: string, signal: AbortSignal): Promise<string> {
    return this.#do("join", [roomIdOrAlias], signal, () => {
      const roomId = roomIdOrAlias.startsWith("#") ? this.#server.aliases.get(roomIdOrAlias) : roomIdOrAlias;
      if (roomId === undefined) throw notFound("no such alias");
      const room = this.#server.rooms.get(roomId);
      if (room === undefined || room.members.length === 0) throw new Fault(404, "M_UNKNOWN", "nobody to ask is in it");
      const membership = room.membershipOf(this.userId);
      if (membership !== "join" && membership !== "invite") throw forbidden("not invited");
      if (membership === "invite") this.#server.setMember(roomId, this.userId, "join");
      return roomId;
    });
  }

  leave(roomId: string, signal: AbortSignal): Promise<boolean> {
    return this.#do("leave", [roomId], signal, () => {
      const membership = this.#server.rooms.get(roomId)?.membershipOf(this.userId);
      const isThere = membership === "join" || membership === "invite";
      if (isThere) this.#server.setMember(roomId, this.userId, "leave");
      return isThere;
    });
  }

  invite(roomId: string, userId: string, signal: AbortSignal): Promise<void> {
    return this.#do("invite", [roomId, userId], signal, () => {
      const room = this.#joined(roomId);
      const membership = room.membershipOf(userId);
      if (membership === "join" || membership === "invite") return;
      const { governed } = room;
      if (membership === "ban" || powerOf(governed, this.userId) < levelOf(governed, "invite"))
        throw forbidden("banned, or no power to invite");
      this.#server.setMember(roomId, userId, "invite", this.userId);
    });
  }

  redact(roomId: string, eventId: string, txnId: string, signal: AbortSignal): Promise<void> {
    return this.#do("redact", [roomId, eventId, txnId], signal, () => {
      const room = this.#joined(roomId);
      const redacted = room.find(eventId);
      if (redacted === undefined) throw notFound("no such event");
      const { userId: sender } = this;
      if (redacted.sender !== sender && powerOf(room.governed, sender) < levelOf(room.governed, "redact"))
        throw forbidden("no power to redact");
      const content = { redacts: eventId };
      this.#once(txnId, () => this.#server.post(roomId, { sender, type: "m.room.redaction", content }));
    });
  }

  typing(roomId: string, typing: boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#do("typing", [roomId, typing, timeoutMs], signal, () => undefined);
  }

  receipt(roomId: string, eventId: string, signal: AbortSignal): Promise<void> {
    return this.#do("receipt", [roomId, eventId], signal, () => undefined);
  }

  profile(userId: string, signal: AbortSignal): Promise<Profile> {
    return this.#do("profile", [userId], signal, () => this.#server.profiles.get(userId) ?? {});
  }

  setDisplayName(displayName: string, signal: AbortSignal): Promise<void> {
    return this.#do("setDisplayName", [displayName], signal, () =>
      this.#server.showProfile(this.userId, { displayName }),
    );
  }

  setAvatarUrl(avatarUrl: string, signal: AbortSignal): Promise<void> {
    return this.#do("setAvatarUrl", [avatarUrl], signal, () => this.#server.showProfile(this.userId, { avatarUrl }));
  }

  upload(file: MediaFile, signal: AbortSignal): Promise<string> {
    return this.#do("upload", [file], signal, () => this.#server.keep(file));
  }

  download(mxc: string, mostBytes: number, signal: AbortSignal): Promise<DownloadedFile> {
    return this.#do("download", [mxc], signal, () => {
      const file = this.#server.media.get(mxc);
      if (file === undefined) throw notFound("no such file");
      if (file.bytes.length > mostBytes) throw new Fault(413, "M_TOO_LARGE", "more than is wanted");
      return { contentType: file.contentType, bytes: file.bytes };
    });
  }

  search({ text, rooms, limit, from = "0" }: SearchRequest, signal: AbortSignal): Promise<SearchResponse> {
    return this.#do("search", [text, rooms], signal, () => {
      const found = [...this.#server.rooms.values()]
        .filter(({ roomId }) => rooms?.includes(roomId) ?? true)
        .filter((room) => room.membershipOf(this.userId) === "join")
        .flatMap((room) => room.found(text).map(({ place, event }) => ({ place, ...event, roomId: room.roomId })))
        .sort((one, other) => other.place - one.place)
        .map(({ place: _, ...event }) => event);
      const end = Number(from) + limit;
      return {
        found: found.slice(Number(from), end),
        total: found.length,
        ...(found.length > end && { next: String(end) }),
      };
    });
  }

  logOut(signal: AbortSignal): Promise<void> {
    return this.#do("logOut", [], signal, () => this.#server.endSession(this.#credentials));
  }

  async #do<T>(call: string, args: readonly unknown[], signal: AbortSignal, work: () => T): Promise<T> {
    await this.#begin(call, args, signal);
    return refusing(work);
  }

  /** No answer comes in the same moment as its request. */
  async #begin(call: string, args: readonly unknown[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.resolve();
    this.#server.note({ user: this.userId, call, args });
    refusing(() => this.#server.ownerOf(this.#credentials.accessToken));
    signal.throwIfAborted();
  }

  /** The event that this transaction made, or makes now. */
  #once(txnId: string, make: () => MatrixEvent): string {
    return this.#server.once(`${this.userId} ${this.#credentials.deviceId} ${txnId}`, make);
  }

  #joined(roomId: string): FakeRoom {
    const room = this.#server.rooms.get(roomId);
    if (room?.membershipOf(this.userId) !== "join") throw forbidden("not in the room");
    return room;
  }

  #readable(roomId: string): FakeRoom {
    const room = this.#server.rooms.get(roomId);
    const isOpen = room?.state("m.room.history_visibility", "")?.["history_visibility"] === "world_readable";
    return room !== undefined && isOpen ? room : this.#asSeen(roomId);
  }

  /** The room as its members see it, or as it was when this user left it. */
  #asSeen(roomId: string): FakeRoom {
    const room = this.#server.rooms.get(roomId);
    const place = room?.membershipOf(this.userId) === "leave" ? room.membershipPlace(this.userId) : undefined;
    return room === undefined || place === undefined ? this.#joined(roomId) : room.until(place);
  }
}

/** The content of what was sent, as JSON gives it back. */
function asSent(content: Content): Content {
  assertMatrixJson(content);
  const text = encodeJson(content);
  if (Buffer.byteLength(text) > 64 * 1024) throw new Fault(413, "M_TOO_LARGE", "event too large");
  return JSON.parse(text) as Content;
}
