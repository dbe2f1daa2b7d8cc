import { type MatrixClient, MatrixError } from "../matrix/port.ts";

/** Users that are wherever our agents are; user ids. */
export interface CoreUsers {
  /** Who has all power there. */
  readonly admins: readonly string[];
  /** Who reads along, with less power than sending needs. */
  readonly readers: readonly string[];
}

/** Why one invitation can fail while the next does not: the person's own limit, or their server. */
const personal: ReadonlySet<string> = new Set(["limited", "forbidden", "refused", "missing"]);

/**
 * Invites those who were never invited. Who left or was banned stays away until somebody else invites them. One who
 * cannot be invited does not keep the others out: the first such failure is thrown after all have been tried.
 */
export function inviteNewcomers(
  client: MatrixClient,
  roomId: string,
  people: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  return inviteIf((membership) => membership === undefined, client, roomId, people, signal);
}

/** Invites the core users that are not there, also those who left. Who was banned stays away. */
export function inviteCoreUsers(
  client: MatrixClient,
  roomId: string,
  { admins, readers }: CoreUsers,
  signal: AbortSignal,
): Promise<void> {
  const isAway = (membership: unknown): boolean => !["join", "invite", "ban"].includes(String(membership));
  return inviteIf(isAway, client, roomId, [...admins, ...readers], signal);
}

async function inviteIf(
  isWanted: (membership: unknown) => boolean,
  client: MatrixClient,
  roomId: string,
  users: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const failures: MatrixError[] = [];
  for (const user of users) {
    try {
      const member = await client.state(roomId, "m.room.member", user, signal);
      if (isWanted(member?.["membership"])) await client.invite(roomId, user, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && personal.has(error.kind))) throw error;
      failures.push(error);
    }
  }
  // What ends by itself decides when all are tried again.
  const first = failures.find(({ kind }) => kind === "limited") ?? failures[0];
  if (first !== undefined) throw first;
}
