/**
 * What the actors need of a Matrix homeserver. Names are the Client-Server API's own.
 *
 * Every call takes an AbortSignal, ends within a bounded time (also when a body stalls) and fails with a
 * {@link MatrixError}. A `txnId` makes a send safe to repeat: the same id from the same device gives the same event, for as
 * long as the homeserver remembers it (some do until their next restart).
 */

/** A user on one of its devices. The token is a secret: keep it in the credential vault, never in a record or a log. */
export interface Credentials {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

/**
 * In the place of an access token: who acts by an application service has none. To a homeserver it is a token that it does
 * not know, so that who goes back to logging in is told to do so.
 */
export const noToken = "application-service";

export interface Account {
  readonly localpart: string;
  readonly password: string;
  /** Derived by us and the same at every login: transaction ids are remembered per device. */
  readonly deviceId: string;
  readonly displayName?: string;
}

export interface Homeserver {
  /** The part after the colon in its user ids. */
  readonly serverName: string;
  /** Registers and logs in in one request. Fails with kind `taken` when the user exists. */
  register(account: Account, signal: AbortSignal): Promise<Credentials>;
  login(account: Account, signal: AbortSignal): Promise<Credentials>;
  /** A client that acts as this user. Holds no connection of its own while nothing is asked of it. */
  as(credentials: Credentials): MatrixClient;
}

/**
 * The sessions of people, who have a password or a token of their own. Nothing of theirs is kept here, and nothing is
 * paced: what they ask for at once they have to answer for themselves.
 */
export interface PersonalAccounts {
  /**
   * A new session, on a device that the homeserver names. Fails with kind `forbidden` for a wrong password and for a user
   * that does not exist.
   */
  logIn(userId: string, password: string, deviceName: string, signal: AbortSignal): Promise<Credentials>;
  /** Whose token it is. Fails with kind `token` when it is nobody's. */
  ownerOf(accessToken: string, signal: AbortSignal): Promise<Credentials>;
}

/**
 * What an administrator of the homeserver can do for us, beside what {@link Homeserver} can. There only where an
 * administrator's token is configured: everything must work without it, if slower or with a person's help.
 *
 * Every call is safe to repeat and fails with a MatrixError, never of kind `token`: that would be about the session of
 * whoever asks, and here it is about the administrator's.
 */
export interface HomeserverAdmin {
  /** Who the administrator is, to act as that user. */
  session(signal: AbortSignal): Promise<Credentials>;
  /** False only when the homeserver said that there is no such user. */
  exists(userId: string, signal: AbortSignal): Promise<boolean>;
  /** Exempts a user from the limits on what it sends and whom it invites. */
  liftRateLimits(userId: string, signal: AbortSignal): Promise<void>;
  /** Ends the user's sessions, too. Only for the agents' users and the bot: never for a human's or an administrator's. */
  resetPassword(userId: string, password: string, signal: AbortSignal): Promise<void>;
  /**
   * Gives a user the highest power that somebody of this homeserver has in the room, and invites it if it is not in
   * there. Fails with kind `refused` when nobody of this homeserver has power there.
   */
  makeRoomAdmin(roomId: string, userId: string, signal: AbortSignal): Promise<void>;
}

/**
 * How long a request may wait while the homeserver has enough to do: least of all one that somebody waits for, longest
 * one that nobody would miss for a while.
 */
export type Urgency = "answer" | "conversation" | "housekeeping";

export interface MatrixClient {
  readonly userId: string;
  /** This client for requests of another urgency; without it they are housekeeping. */
  at(urgency: Urgency): MatrixClient;
  /** One long-poll. `timeoutMs` is how long the homeserver may hold it when nothing happens. */
  sync(request: SyncRequest, signal: AbortSignal): Promise<SyncResponse>;
  messages(roomId: string, request: MessagesRequest, signal: AbortSignal): Promise<MessagesResponse>;
  /** `undefined` only when the homeserver said that there is none (404 M_NOT_FOUND), or none that this user may see. */
  event(roomId: string, eventId: string, signal: AbortSignal): Promise<DatedEvent | undefined>;
  /**
   * Sends a message event and gives its event id. `at` (ms since the epoch) is when it was said, where that was not now:
   * only an application service is believed that, else the event tells when it was sent.
   */
  send(
    roomId: string,
    type: string,
    txnId: string,
    content: Content,
    signal: AbortSignal,
    at?: number,
  ): Promise<string>;
  sendState(roomId: string, type: string, stateKey: string, content: Content, signal: AbortSignal): Promise<string>;
  /** All state events of a room at once: as it is, or for somebody who has left it, as it was then. */
  roomState(roomId: string, signal: AbortSignal): Promise<readonly MatrixEvent[]>;
  /** `undefined` only when the homeserver said that there is none (404 M_NOT_FOUND). */
  state(roomId: string, type: string, stateKey: string, signal: AbortSignal): Promise<Content | undefined>;
  createRoom(request: CreateRoomRequest, signal: AbortSignal): Promise<string>;
  /** `undefined` only when the homeserver said that there is none (404 M_NOT_FOUND). */
  resolveAlias(alias: string, signal: AbortSignal): Promise<string | undefined>;
  /** Gives a room an alias. Fails with kind `taken` when that names a room already, this one included. */
  createAlias(alias: string, roomId: string, signal: AbortSignal): Promise<void>;
  /** Takes an alias away; one that names nothing is no failure. */
  deleteAlias(alias: string, signal: AbortSignal): Promise<void>;
  /** The rooms that this user is in: unlike a refusal, this tells for certain that it is not in one. */
  joinedRooms(signal: AbortSignal): Promise<readonly string[]>;
  /** Who is in a room that this user is in. */
  joinedMembers(roomId: string, signal: AbortSignal): Promise<readonly string[]>;
  join(roomIdOrAlias: string, signal: AbortSignal): Promise<string>;
  /** Leaves a room, or declines its invitation. Leaving a room that one is not in succeeds, too: it gives false if the homeserver said so. */
  leave(roomId: string, signal: AbortSignal): Promise<boolean>;
  /** Inviting somebody who is invited or joined already succeeds and sends nothing. */
  invite(roomId: string, userId: string, signal: AbortSignal): Promise<void>;
  /** Takes an event's content away. */
  redact(roomId: string, eventId: string, txnId: string, signal: AbortSignal): Promise<void>;
  typing(roomId: string, typing: boolean, timeoutMs: number, signal: AbortSignal): Promise<void>;
  receipt(roomId: string, eventId: string, signal: AbortSignal): Promise<void>;
  /** What a user shows of itself; empty for a user that shows nothing. */
  profile(userId: string, signal: AbortSignal): Promise<Profile>;
  setDisplayName(displayName: string, signal: AbortSignal): Promise<void>;
  /** An `mxc://` address that {@link MatrixClient.upload} gave; empty for no picture. */
  setAvatarUrl(avatarUrl: string, signal: AbortSignal): Promise<void>;
  /** Stores a file with the homeserver, and gives its `mxc://` address. Uploading it again gives another one. */
  upload(file: MediaFile, signal: AbortSignal): Promise<string>;
  /**
   * A file by its `mxc://` address. What it says it is was said by whoever uploaded it. Fails with kind `too-large` when it
   * has more than `mostBytes`, and `missing` when there is none.
   */
  download(mxc: string, mostBytes: number, signal: AbortSignal): Promise<DownloadedFile>;
  /**
   * Messages in which these words are, in rooms that this user is in, the newest first. Fails with kind `unsupported`
   * where the homeserver does not search.
   */
  search(request: SearchRequest, signal: AbortSignal): Promise<SearchResponse>;
  /** Ends the session, and forgets its device. */
  logOut(signal: AbortSignal): Promise<void>;
}

export interface Profile {
  readonly displayName?: string;
  readonly avatarUrl?: string;
}

export interface MediaFile {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface DownloadedFile {
  /** Empty when nobody said it. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface SearchRequest {
  readonly text: string;
  /** Else in all of the user's. */
  readonly rooms?: readonly string[];
  readonly limit: number;
  /** `next` of the page before. */
  readonly from?: string;
}

export interface SearchResponse {
  readonly found: readonly PushedEvent[];
  /** How many there are, as far as the homeserver counts them. */
  readonly total?: number;
  readonly next?: string;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Content = { readonly [key: string]: Json };

/** An event as it came: `content` is whatever its sender wrote, so parse it before use. */
export interface MatrixEvent {
  readonly eventId: string;
  readonly type: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly originServerTs: number;
  readonly stateKey?: string;
}

export interface DatedEvent extends MatrixEvent {
  /** How long ago the homeserver had got it when it told of it, ms, by its own clock; not every one says that. */
  readonly age?: number;
}

/** An event that comes from any room: one that the homeserver has pushed, or found. */
export interface PushedEvent extends DatedEvent {
  readonly roomId: string;
  /** The event that this one takes back. */
  readonly redacts?: string;
}

/** Something that a user of ours has said. */
export interface Sent {
  readonly userId: string;
  readonly roomId: string;
  readonly eventId: string;
}

/** What the homeserver pushes at once. Its id names it to the homeserver only: after a restart some begin anew. */
export interface Transaction {
  readonly txnId: string;
  readonly events: readonly PushedEvent[];
}

/** `wait may go on`: it reached us, and may wait all the same before it pushes again: only another ping ends that. */
export type Pinged = "reached" | "wait may go on";

/** The way by which a homeserver pushes events to us, where it does: nobody then polls for them. */
export interface Pushes {
  /** Takes the address that the homeserver pushes to. What comes before {@link Pushes.deliverTo} is refused, and comes again. */
  listen(): Promise<void>;
  /**
   * `take` resolves once the transaction is durable: only then is it acknowledged. `comesAgain` is told of each that was not,
   * because it could not be taken or even read, or because the homeserver did not wait until it was. `sent` is told what our
   * users say, which is to be pushed, too.
   */
  deliverTo(
    take: (transaction: Transaction) => Promise<void>,
    comesAgain?: () => void,
    sent?: (sent: Sent) => void,
  ): void;
  /**
   * Has the homeserver reach us, by which it also ends its waiting after our downtime. Fails with a MatrixError: of kind
   * `unsupported` where it knows no such thing, of kind `token` while the user as whom we ask is yet to be made, and with
   * {@link ReachedSomebodyElse}.
   */
  ping(signal: AbortSignal): Promise<Pinged>;
  close(): Promise<void>;
}

export interface SyncRequest {
  readonly since?: string;
  readonly timeoutMs: number;
  readonly filter: SyncFilter;
}

/** The subset of a sync filter in use; passed inline. */
export interface SyncFilter {
  /** Message and state event types to deliver in timelines. */
  readonly timelineTypes: readonly string[];
  readonly timelineLimit: number;
  /** State event types to deliver in `state`. */
  readonly stateTypes: readonly string[];
  /** Users whose timeline events are left out; a poll does not end for them. */
  readonly notSenders?: readonly string[];
}

export interface SyncResponse {
  readonly nextBatch: string;
  readonly joined: readonly JoinedRoom[];
  readonly invited: readonly InvitedRoom[];
  /** Rooms this user left or was removed from since the last sync. */
  readonly left: readonly string[];
}

export interface JoinedRoom {
  readonly roomId: string;
  readonly timeline: readonly MatrixEvent[];
  /** True when events between the last sync and this timeline were left out: fill with {@link MatrixClient.messages}. */
  readonly limited: boolean;
  readonly prevBatch?: string;
  readonly state: readonly MatrixEvent[];
}

export interface InvitedRoom {
  readonly roomId: string;
  readonly inviter?: string;
}

export interface MessagesRequest {
  readonly from?: string;
  readonly to?: string;
  readonly dir: "b" | "f";
  readonly limit: number;
  readonly types?: readonly string[];
}

export interface MessagesResponse {
  readonly chunk: readonly MatrixEvent[];
  /** Missing when there is nothing further in this direction. */
  readonly end?: string;
}

export interface CreateRoomRequest {
  /** Left out for a room that nobody has to find again. */
  readonly aliasLocalpart?: string;
  readonly name: string;
  readonly topic?: string;
  /** `m.space` for a space. */
  readonly roomType?: string;
  readonly invite?: readonly string[];
  readonly initialState?: readonly { readonly type: string; readonly stateKey: string; readonly content: Content }[];
  readonly powerLevels?: Content;
  readonly creationContent?: Content;
}

/**
 * Why a request failed, in the one distinction that decides what to do next.
 * - `unreachable`: refused connection, time-out, cut or stalled body, 5xx: the homeserver's own trouble; try again later.
 * - `limited`: 429; wait `retryAfterMs`.
 * - `token`: the access token is not valid any more (401 M_UNKNOWN_TOKEN, M_MISSING_TOKEN); log in again.
 * - `forbidden`: 403; asking again changes nothing.
 * - `taken`: the user id or alias exists already (M_USER_IN_USE, M_ROOM_IN_USE).
 * - `missing`: 404 M_NOT_FOUND: the homeserver knows that there is no such thing.
 * - `unsupported`: M_UNRECOGNIZED: the homeserver does not have this endpoint.
 * - `too-large`: the event is over the size limit (413, M_TOO_LARGE, Dendrite's M_BAD_JSON for it).
 * - `refused`: any other 4xx.
 * - `malformed`: the homeserver answered something that is no answer to this request.
 */
export type MatrixErrorKind =
  | "unreachable"
  | "limited"
  | "token"
  | "forbidden"
  | "taken"
  | "missing"
  | "unsupported"
  | "too-large"
  | "refused"
  | "malformed";

/** More is not waited for, ms: a broken proxy may ask for years, and one request an hour costs no server anything. */
const longestRetryAfterMs = 3_600_000;

export class MatrixError extends Error {
  override readonly name = "MatrixError";
  readonly kind: MatrixErrorKind;
  /** Milliseconds the homeserver asked us to wait (`limited` only), an hour at most. */
  readonly retryAfterMs?: number;
  readonly httpStatus?: number;
  readonly errcode?: string;
  /** True where the answer was larger than is taken, or not whole in time: who asks for less may get it. */
  readonly isTooMuch: boolean;
  /** What a person can do about it, one sentence. */
  readonly remedy: string;

  constructor(
    kind: MatrixErrorKind,
    message: string,
    details: {
      remedy: string;
      retryAfterMs?: number;
      httpStatus?: number;
      errcode?: string;
      isTooMuch?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.isTooMuch = details.isTooMuch ?? false;
    this.remedy = details.remedy;
    if (details.retryAfterMs !== undefined && !Number.isNaN(details.retryAfterMs))
      this.retryAfterMs = Math.min(longestRetryAfterMs, Math.max(0, details.retryAfterMs));
    if (details.httpStatus !== undefined) this.httpStatus = details.httpStatus;
    if (details.errcode !== undefined) this.errcode = details.errcode;
  }

  /** The same failure for whoever knows better what it means: all that the homeserver said of it stays. */
  as(kind: MatrixErrorKind, { message = this.message, remedy = this.remedy } = {}): MatrixError {
    return new MatrixError(kind, message, { ...this, remedy, cause: this });
  }
}

/** At the address where the homeserver pushes to it finds another process than this one. */
export class ReachedSomebodyElse extends MatrixError {
  constructor(remedy: string) {
    super("refused", "the homeserver reached somebody else at the address of the registration", { remedy });
  }
}
