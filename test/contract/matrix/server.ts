import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  type Account,
  type Content,
  type Credentials,
  type Homeserver,
  type JoinedRoom,
  type MatrixClient,
  MatrixError,
  type MatrixEvent,
  type PersonalAccounts,
  type SyncFilter,
  type SyncResponse,
} from "../../../src/matrix/port.ts";

/** Whatever is held to the contract of the port: an adapter on a homeserver, or a fake. */
export interface PortUnderContract {
  readonly homeserver: Homeserver;
  /** Takes somebody out of a room, for which the port has nothing. */
  putOut(how: "kick" | "ban", whom: User, by: User, room: string): Promise<void>;
  /** On which somebody is logged in. */
  devicesOf(user: User): Promise<readonly string[]>;
  /** Kills it without warning, and starts it again on its data. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** By what a homeserver is asked without the adapter that is under contract. */
export interface Outside {
  readonly baseUrl: string;
  /** What asks as this user, without the adapter. */
  acting(credentials: Credentials): { readonly token: string; readonly query?: Readonly<Record<string, string>> };
}

/** A homeserver, and the adapter that is held to the contract on it. */
export interface ServerUnderContract extends PortUnderContract, Outside {}

/** Where people log in, too. */
export interface WithPeople {
  readonly people: PersonalAccounts;
}

/** `default`: as nobody configured it; `lifted`: without the rate limits that a test would only wait for. */
export type StartServer = (rateLimits: "default" | "lifted") => Promise<ServerUnderContract & WithPeople>;

export interface User {
  readonly account: Account;
  readonly credentials: Credentials;
  readonly client: MatrixClient;
  readonly userId: string;
}

const devicesAnswer = z.object({ devices: z.array(z.object({ device_id: z.string() })) });

export const never: AbortSignal = new AbortController().signal;

export function newAccount(prefix: string): Account {
  return { localpart: `${prefix}-${randomUUID()}`, password: randomUUID(), deviceId: `DEV${randomUUID()}` };
}

export async function newUser(server: Pick<PortUnderContract, "homeserver">, prefix = "user"): Promise<User> {
  const account = newAccount(prefix);
  const credentials = await server.homeserver.register(account, never);
  return { account, credentials, client: server.homeserver.as(credentials), userId: credentials.userId };
}

export async function newRoom(owner: User, ...members: readonly User[]): Promise<string> {
  const room = await owner.client.createRoom({ aliasLocalpart: `room-${randomUUID()}`, name: "A room" }, never);
  for (const member of members) {
    await owner.client.invite(room, member.userId, never);
    await member.client.join(room, never);
  }
  return room;
}

export function sendText(sender: User, room: string, body: string, txnId: string = randomUUID()): Promise<string> {
  return sender.client.send(room, "m.room.message", txnId, { msgtype: "m.text", body }, never);
}

export const messagesOnly: SyncFilter = { timelineTypes: ["m.room.message"], timelineLimit: 50, stateTypes: [] };

export function syncNow(user: User, since?: string, filter: SyncFilter = messagesOnly): Promise<SyncResponse> {
  return user.client.sync({ timeoutMs: 0, filter, ...(since === undefined ? {} : { since }) }, never);
}

export function roomIn(response: SyncResponse, roomId: string): JoinedRoom {
  const room = response.joined.find((joined) => joined.roomId === roomId);
  if (room === undefined) throw new Error(`${roomId} is not in the sync response`);
  return room;
}

/** What /messages has between the start of a limited timeline and an older sync, oldest first. */
export async function fill(user: User, room: JoinedRoom, since: string, limit: number): Promise<MatrixEvent[]> {
  const filled: MatrixEvent[] = [];
  for (let from = room.prevBatch; from !== undefined; ) {
    const request = { from, to: since, dir: "b", limit, types: messagesOnly.timelineTypes } as const;
    const page = await user.client.messages(room.roomId, request, never);
    filled.unshift(...[...page.chunk].reverse());
    from = page.end;
  }
  return filled;
}

/** The whole room as one more client of this user sees it, oldest first. */
export async function history(user: User, room: string, types: readonly string[]): Promise<MatrixEvent[]> {
  const events: MatrixEvent[] = [];
  for (let from: string | undefined; ; ) {
    const request = { dir: "b", limit: 100, types, ...(from === undefined ? {} : { from }) } as const;
    const page = await user.client.messages(room, request, never);
    events.unshift(...[...page.chunk].reverse());
    if (page.end === undefined) return events;
    from = page.end;
  }
}

export function bodies(events: readonly MatrixEvent[]): unknown[] {
  return events.map((event) => event.content["body"]);
}

/** Asks the homeserver as this user, without the adapter. */
export async function ask(
  server: Outside,
  user: User,
  method: string,
  path: string,
  body?: Content,
): Promise<{ readonly status: number; readonly answer: unknown }> {
  const { token, query } = server.acting(user.credentials);
  const url = new URL(`${server.baseUrl}/_matrix/client/v3${path}`);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

/** What the port has nothing for. */
export function besidesThePort(server: Outside): Pick<PortUnderContract, "putOut" | "devicesOf"> {
  return {
    async putOut(how, whom, by, room) {
      const path = `/rooms/${encodeURIComponent(room)}/${how}`;
      const { status, answer } = await ask(server, by, "POST", path, { user_id: whom.userId });
      if (status !== 200) throw new Error(`${how}: ${status} ${JSON.stringify(answer)}`);
    },
    async devicesOf(user) {
      const { devices } = devicesAnswer.parse((await ask(server, user, "GET", "/devices")).answer);
      return devices.map(({ device_id: deviceId }) => deviceId);
    },
  };
}

/** The MatrixError that this must end with. */
export async function failure(call: Promise<unknown>): Promise<MatrixError> {
  const outcome = await call.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof MatrixError) return outcome;
  throw outcome;
}
