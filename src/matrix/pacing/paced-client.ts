import type {
  Content,
  CreateRoomRequest,
  DownloadedFile,
  MatrixClient,
  MatrixEvent,
  MediaFile,
  MessagesRequest,
  MessagesResponse,
  Profile,
  SearchRequest,
  SearchResponse,
  SyncRequest,
  SyncResponse,
  Urgency,
} from "../port.ts";
import type { Pacer } from "./pacer.ts";

/** One user's client, at the pacer's pace. It tells the pacer what the homeserver counts each request with. */
export class PacedClient implements MatrixClient {
  readonly #client: MatrixClient;
  readonly #pacer: Pacer;
  readonly #urgency: Urgency;

  constructor(client: MatrixClient, pacer: Pacer, urgency: Urgency = "housekeeping") {
    this.#client = client;
    this.#pacer = pacer;
    this.#urgency = urgency;
  }

  get userId(): string {
    return this.#client.userId;
  }

  at(urgency: Urgency): MatrixClient {
    return new PacedClient(this.#client, this.#pacer, urgency);
  }

  sync(request: SyncRequest, signal: AbortSignal): Promise<SyncResponse> {
    const isHeld = request.since !== undefined && request.timeoutMs > 0;
    const paced = {
      asker: this.userId,
      lane: isHeld ? "polls" : "looks",
      urgency: this.#urgency,
      bucket: { name: `syncing as ${this.userId}` },
    } as const;
    return this.#pacer.run(paced, signal, (isProbe) =>
      // Nobody is to wait for half a minute to learn that the homeserver is there again.
      this.#client.sync(isProbe ? { ...request, timeoutMs: 0 } : request, signal),
    );
  }

  messages(roomId: string, request: MessagesRequest, signal: AbortSignal): Promise<MessagesResponse> {
    return this.#run("reading", signal, () => this.#client.messages(roomId, request, signal));
  }

  send(
    roomId: string,
    type: string,
    txnId: string,
    content: Content,
    signal: AbortSignal,
    at?: number,
  ): Promise<string> {
    return this.#run("sending", signal, () => this.#client.send(roomId, type, txnId, content, signal, at));
  }

  sendState(roomId: string, type: string, stateKey: string, content: Content, signal: AbortSignal): Promise<string> {
    return this.#run("sending", signal, () => this.#client.sendState(roomId, type, stateKey, content, signal));
  }

  event(roomId: string, eventId: string, signal: AbortSignal): Promise<MatrixEvent | undefined> {
    return this.#run("reading", signal, () => this.#client.event(roomId, eventId, signal));
  }

  roomState(roomId: string, signal: AbortSignal): Promise<readonly MatrixEvent[]> {
    return this.#run("reading", signal, () => this.#client.roomState(roomId, signal));
  }

  state(roomId: string, type: string, stateKey: string, signal: AbortSignal): Promise<Content | undefined> {
    return this.#run("reading", signal, () => this.#client.state(roomId, type, stateKey, signal));
  }

  createRoom(request: CreateRoomRequest, signal: AbortSignal): Promise<string> {
    const paced = {
      asker: this.userId,
      lane: "rooms",
      urgency: this.#urgency,
      bucket: { name: `creating rooms as ${this.userId}` },
    } as const;
    return this.#pacer.run(paced, signal, () => this.#client.createRoom(request, signal));
  }

  resolveAlias(alias: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#run("reading", signal, () => this.#client.resolveAlias(alias, signal));
  }

  createAlias(alias: string, roomId: string, signal: AbortSignal): Promise<void> {
    return this.#run("changing aliases", signal, () => this.#client.createAlias(alias, roomId, signal));
  }

  deleteAlias(alias: string, signal: AbortSignal): Promise<void> {
    return this.#run("changing aliases", signal, () => this.#client.deleteAlias(alias, signal));
  }

  joinedRooms(signal: AbortSignal): Promise<readonly string[]> {
    return this.#run("reading", signal, () => this.#client.joinedRooms(signal));
  }

  joinedMembers(roomId: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#run("reading", signal, () => this.#client.joinedMembers(roomId, signal));
  }

  join(roomIdOrAlias: string, signal: AbortSignal): Promise<string> {
    return this.#run("joining rooms", signal, () => this.#client.join(roomIdOrAlias, signal));
  }

  leave(roomId: string, signal: AbortSignal): Promise<boolean> {
    return this.#run("leaving rooms", signal, () => this.#client.leave(roomId, signal));
  }

  /**
   * Invitations are counted by whom they are for, by room and by who invites. The first is by far the narrowest on
   * Synapse, and the only one that all agents share; the others give way again within seconds.
   */
  invite(roomId: string, userId: string, signal: AbortSignal): Promise<void> {
    return this.#runIn(`inviting ${userId}`, signal, () => this.#client.invite(roomId, userId, signal));
  }

  redact(roomId: string, eventId: string, txnId: string, signal: AbortSignal): Promise<void> {
    return this.#run("sending", signal, () => this.#client.redact(roomId, eventId, txnId, signal));
  }

  typing(roomId: string, typing: boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#run("showing presence", signal, () => this.#client.typing(roomId, typing, timeoutMs, signal));
  }

  receipt(roomId: string, eventId: string, signal: AbortSignal): Promise<void> {
    return this.#run("showing presence", signal, () => this.#client.receipt(roomId, eventId, signal));
  }

  profile(userId: string, signal: AbortSignal): Promise<Profile> {
    return this.#run("reading", signal, () => this.#client.profile(userId, signal));
  }

  setDisplayName(displayName: string, signal: AbortSignal): Promise<void> {
    return this.#run("changing its profile", signal, () => this.#client.setDisplayName(displayName, signal));
  }

  setAvatarUrl(avatarUrl: string, signal: AbortSignal): Promise<void> {
    return this.#run("changing its profile", signal, () => this.#client.setAvatarUrl(avatarUrl, signal));
  }

  upload(file: MediaFile, signal: AbortSignal): Promise<string> {
    return this.#run("uploading", signal, () => this.#client.upload(file, signal));
  }

  download(mxc: string, mostBytes: number, signal: AbortSignal): Promise<DownloadedFile> {
    return this.#run("downloading", signal, () => this.#client.download(mxc, mostBytes, signal));
  }

  search(request: SearchRequest, signal: AbortSignal): Promise<SearchResponse> {
    return this.#run("searching", signal, () => this.#client.search(request, signal));
  }

  logOut(signal: AbortSignal): Promise<void> {
    return this.#run("logging out", signal, () => this.#client.logOut(signal));
  }

  /** What the homeserver counts by who asks. */
  #run<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#runIn(`${what} as ${this.userId}`, signal, work);
  }

  #runIn<T>(bucket: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const request = { asker: this.userId, lane: "commands", urgency: this.#urgency, bucket: { name: bucket } } as const;
    return this.#pacer.run(request, signal, work);
  }
}
