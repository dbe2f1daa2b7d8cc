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
import { asSent, type FakeHomeserver, matrixError } from "./fake-homeserver.ts";
import { type FakeRoom, placeOf, tokenOf } from "./fake-room.ts";

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
    const place = since === undefined ? undefined : placeOf(since);
    const until = this.#server.clock.now() + timeoutMs;
    while (place !== undefined && this.#isQuiet(place, filter) && this.#server.clock.now() < until) {
      await this.#server.news(until - this.#server.clock.now(), signal);
      this.#server.assertToken(this.#credentials);
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

  async messages(roomId: string, request: MessagesRequest, signal: AbortSignal): Promise<MessagesResponse> {
    await this.#begin("messages", [roomId, request], signal);
    return this.#asSeen(roomId).messages(request);
  }

  async event(roomId: string, eventId: string, signal: AbortSignal): Promise<MatrixEvent | undefined> {
    await this.#begin("event", [roomId, eventId], signal);
    return this.#asSeen(roomId).events.find((one) => one.eventId === eventId);
  }

  async send(roomId: string, type: string, txnId: string, content: Content, signal: AbortSignal): Promise<string> {
    await this.#begin("send", [roomId, type, txnId, content], signal);
    this.#joined(roomId);
    const sent = asSent(content);
    const { userId: sender } = this;
    const eventId = this.#server.once(`${sender} ${this.#credentials.deviceId} ${txnId}`, () =>
      this.#server.post(roomId, { sender, type, content: sent }),
    );
    this.#server.answer("send");
    return eventId;
  }

  async sendState(roomId: string, type: string, stateKey: string, content: Content, signal: AbortSignal) {
    await this.#begin("sendState", [roomId, type, stateKey, content], signal);
    this.#joined(roomId);
    return this.#server.post(roomId, { sender: this.userId, type, stateKey, content: asSent(content) }).eventId;
  }

  async state(roomId: string, type: string, stateKey: string, signal: AbortSignal): Promise<Content | undefined> {
    await this.#begin("state", [roomId, type, stateKey], signal);
    return this.#readable(roomId).state(type, stateKey);
  }

  async roomState(roomId: string, signal: AbortSignal): Promise<readonly MatrixEvent[]> {
    await this.#begin("roomState", [roomId], signal);
    const room = this.#server.rooms.get(roomId);
    const membership = room?.membershipOf(this.userId);
    if (room === undefined || membership === undefined || membership === "invite") throw matrixError("forbidden");
    return room.stateEvents(membership === "join" ? undefined : room.membershipPlace(this.userId));
  }

  async createRoom(request: CreateRoomRequest, signal: AbortSignal): Promise<string> {
    await this.#begin("createRoom", [request], signal);
    return this.#server.makeRoom(this.userId, request);
  }

  async resolveAlias(alias: string, signal: AbortSignal): Promise<string | undefined> {
    await this.#begin("resolveAlias", [alias], signal);
    return this.#server.aliases.get(alias);
  }

  async createAlias(alias: string, roomId: string, signal: AbortSignal): Promise<void> {
    await this.#begin("createAlias", [alias, roomId], signal);
    if (this.#server.aliases.has(alias)) throw matrixError("taken");
    this.#server.aliases.set(alias, roomId);
  }

  async deleteAlias(alias: string, signal: AbortSignal): Promise<void> {
    await this.#begin("deleteAlias", [alias], signal);
    this.#server.aliases.delete(alias);
  }

  async joinedRooms(signal: AbortSignal): Promise<readonly string[]> {
    await this.#begin("joinedRooms", [], signal);
    return [...this.#server.rooms.values()]
      .filter((room) => room.membershipOf(this.userId) === "join")
      .map(({ roomId }) => roomId);
  }

  async joinedMembers(roomId: string, signal: AbortSignal): Promise<readonly string[]> {
    await this.#begin("joinedMembers", [roomId], signal);
    return this.#joined(roomId).members;
  }

  async join(roomId: string, signal: AbortSignal): Promise<string> {
    await this.#begin("join", [roomId], signal);
    const membership = this.#server.rooms.get(roomId)?.membershipOf(this.userId);
    if (membership !== "join" && membership !== "invite") throw matrixError("forbidden");
    if (membership === "invite") this.#server.setMember(roomId, this.userId, "join");
    return roomId;
  }

  async leave(roomId: string, signal: AbortSignal): Promise<void> {
    await this.#begin("leave", [roomId], signal);
    const membership = this.#server.rooms.get(roomId)?.membershipOf(this.userId);
    if (membership === "join" || membership === "invite") this.#server.setMember(roomId, this.userId, "leave");
  }

  async invite(roomId: string, userId: string, signal: AbortSignal): Promise<void> {
    await this.#begin("invite", [roomId, userId], signal);
    const membership = this.#joined(roomId).membershipOf(userId);
    if (membership === "ban") throw matrixError("forbidden");
    if (membership !== "join" && membership !== "invite") this.#server.setMember(roomId, userId, "invite", this.userId);
  }

  async redact(roomId: string, eventId: string, txnId: string, signal: AbortSignal): Promise<void> {
    await this.#begin("redact", [roomId, eventId, txnId], signal);
    this.#joined(roomId).redact(eventId);
  }

  async typing(roomId: string, typing: boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#begin("typing", [roomId, typing, timeoutMs], signal);
  }

  async receipt(roomId: string, eventId: string, signal: AbortSignal): Promise<void> {
    await this.#begin("receipt", [roomId, eventId], signal);
  }

  async profile(userId: string, signal: AbortSignal): Promise<Profile> {
    await this.#begin("profile", [userId], signal);
    return this.#server.profiles.get(userId) ?? {};
  }

  async setDisplayName(displayName: string, signal: AbortSignal): Promise<void> {
    await this.#begin("setDisplayName", [displayName], signal);
    this.#server.showProfile(this.userId, { displayName });
  }

  async setAvatarUrl(avatarUrl: string, signal: AbortSignal): Promise<void> {
    await this.#begin("setAvatarUrl", [avatarUrl], signal);
    this.#server.showProfile(this.userId, { avatarUrl });
  }

  async upload(file: MediaFile, signal: AbortSignal): Promise<string> {
    await this.#begin("upload", [file], signal);
    return this.#server.keep(file);
  }

  async download(mxc: string, mostBytes: number, signal: AbortSignal): Promise<DownloadedFile> {
    await this.#begin("download", [mxc], signal);
    const file = this.#server.media.get(mxc);
    if (file === undefined) throw matrixError("missing");
    if (file.bytes.length > mostBytes) throw matrixError("too-large");
    return { contentType: file.contentType, bytes: file.bytes };
  }

  async search({ text, rooms, limit, from = "0" }: SearchRequest, signal: AbortSignal): Promise<SearchResponse> {
    await this.#begin("search", [text, rooms], signal);
    const found = [...this.#server.rooms.values()]
      .filter(({ roomId }) => rooms?.includes(roomId) ?? true)
      .filter((room) => room.membershipOf(this.userId) === "join")
      .flatMap((room) => room.found(text));
    found.sort((one, other) => other.originServerTs - one.originServerTs);
    const end = Number(from) + limit;
    return {
      found: found.slice(Number(from), end),
      total: found.length,
      ...(found.length > end && { next: String(end) }),
    };
  }

  async logOut(signal: AbortSignal): Promise<void> {
    await this.#begin("logOut", [], signal);
    this.#server.endSession(this.#credentials);
  }

  /** No answer comes in the same moment as its request. */
  async #begin(call: string, args: readonly unknown[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.resolve();
    this.#server.note({ user: this.userId, call, args });
    this.#server.assertToken(this.#credentials);
    signal.throwIfAborted();
  }

  #joined(roomId: string): FakeRoom {
    const room = this.#server.room(roomId);
    if (room.membershipOf(this.userId) !== "join") throw matrixError("forbidden");
    return room;
  }

  #readable(roomId: string): FakeRoom {
    const room = this.#server.room(roomId);
    const isOpen = room.state("m.room.history_visibility", "")?.["history_visibility"] === "world_readable";
    return isOpen ? room : this.#asSeen(roomId);
  }

  /** The room as its members see it, or as it was when this user left it. */
  #asSeen(roomId: string): FakeRoom {
    const room = this.#server.room(roomId);
    const place = room.membershipOf(this.userId) === "leave" ? room.membershipPlace(this.userId) : undefined;
    return place === undefined ? this.#joined(roomId) : room.until(place);
  }
}
