import { type MatrixClient, MatrixError } from "../matrix/port.ts";

/** Why one invitation can fail while the next does not: the person's own limit, or their server. */
const personal: ReadonlySet<string> = new Set(["limited", "forbidden", "refused", "missing"]);

/**
 * Invites those who were never invited. Who left or was banned stays away until somebody else invites them. One who
 * cannot be invited does not keep the others out: the first such failure is thrown after all have been tried.
 */
export async function inviteNewcomers(
  client: MatrixClient,
  roomId: string,
  people: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const failures: MatrixError[] = [];
  for (const person of people) {
    try {
      const membership = await client.state(roomId, "m.room.member", person, signal);
      if (membership === undefined) await client.invite(roomId, person, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && personal.has(error.kind))) throw error;
      failures.push(error);
    }
  }
  // What ends by itself decides when all are tried again.
  const first = failures.find(({ kind }) => kind === "limited") ?? failures[0];
  if (first !== undefined) throw first;
}
