import { type MatrixClient, MatrixError } from "../matrix/port.ts";
import { RoomState } from "./room-state.ts";

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
 * Invites those who were never invited. Who left or was banned stays away until somebody else invites them; only the
 * core users, who belong to the installation, are invited again after they left. One who cannot be invited does not keep
 * the others out: the first such failure is thrown after all have been tried.
 */
export async function inviteNewcomers(
  client: MatrixClient,
  roomId: string,
  people: readonly string[],
  signal: AbortSignal,
  core: readonly string[] = [],
): Promise<void> {
  const state = await RoomState.read(client, roomId, signal);
  const missing = [
    ...people.filter((person) => state.membershipOf(person) === undefined),
    ...core.filter((user) => [undefined, "leave"].some((membership) => state.membershipOf(user) === membership)),
  ];
  const failures: MatrixError[] = [];
  for (const person of new Set(missing)) {
    try {
      await client.invite(roomId, person, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && personal.has(error.kind))) throw error;
      failures.push(error);
    }
  }
  // What ends by itself decides when all are tried again.
  const first = failures.find(({ kind }) => kind === "limited") ?? failures[0];
  if (first !== undefined) throw first;
}
