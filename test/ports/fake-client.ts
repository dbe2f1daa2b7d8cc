import type {
  Content,
  CreateRoomRequest,
  Credentials,
  JoinedRoom,
  MatrixClient,
  MessagesRequest,
  MessagesResponse,
  SyncRequest,
  SyncResponse,
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

  async sync(request: SyncRequest, signal: AbortSignal): Promise<SyncResponse> {
    const { since, timeoutMs, filter } = request;
    await this.#begin("sync", [request], signal);
    const place = since === undefined ? undefined : placeOf(since);
    const look = (): JoinedRoom[] =>
      [...this.#server.rooms.values()]
        .filter((room) => room.membershipOf(this.userId) === "join")
        .flatMap((room) => room.since(place, filter) ?? []);
    const until = this.#server.clock.now() + timeoutMs;
    while (place !== undefined && look().length === 0 && this.#server.clock.now() < until) {
      await this.#server.news(until - this.#server.clock.now(), signal);
      this.#server.assertToken(this.#credentials);
    }
    return { nextBatch: tokenOf(this.#server.place), joined: look(), invited: [], left: [] };
  }

  async messages(roomId: string, request: MessagesRequest, signal: AbortSignal): Promise<MessagesResponse> {
    await this.#begin("messages", [roomId, request], signal);
    return this.#joined(roomId).messages(request);
  }

  async send(roomId: string, type: string, txnId: string, content: Content, signal: AbortSignal): Promise<string> {
    await this.#begin("send", [roomId, type, txnId, content], signal);
    this.#joined(roomId);
    const sent = asSent(content);
    const { userId: sender } = this;
    return this.#server.once(`${sender} ${this.#credentials.deviceId} ${txnId}`, () =>
      this.#server.post(roomId, { sender, type, content: sent }),
    );
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

  async createRoom(request: CreateRoomRequest, signal: AbortSignal): Promise<string> {
    await this.#begin("createRoom", [request], signal);
    return this.#server.makeRoom(this.userId, request);
  }

  async resolveAlias(alias: string, signal: AbortSignal): Promise<string | undefined> {
    await this.#begin("resolveAlias", [alias], signal);
    return this.#server.aliases.get(alias);
  }

  async join(roomId: string, signal: AbortSignal): Promise<string> {
    await this.#begin("join", [roomId], signal);
    this.#server.setMember(roomId, this.userId, "join");
    return roomId;
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

  async setDisplayName(displayName: string, signal: AbortSignal): Promise<void> {
    await this.#begin("setDisplayName", [displayName], signal);
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
    return isOpen ? room : this.#joined(roomId);
  }
}
