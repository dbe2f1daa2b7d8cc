import { isAgentUser } from "../../machines/addresses.ts";
import type { Invitation, PollInput } from "../../machines/agent/context.ts";
import { type InvitedRoom, type MatrixClient, MatrixError, type SyncResponse } from "../../matrix/port.ts";
import { isLastWord } from "../last-word.ts";
import { RoomState } from "../room-state.ts";
import { replacementOf } from "../upgrade.ts";
import { isUnreadable } from "./read-back.ts";

/** Whose invitations agents accept, besides those of their own homeserver's agents. */
export interface InvitationPolicy {
  readonly server: string;
  /** User ids. */
  readonly people: ReadonlySet<string>;
  /** Names of homeservers, all of whose users may invite. */
  readonly servers: ReadonlySet<string>;
}

/** More at once are left unanswered: they still stand there for the next first look. */
const mostAtOnce = 50;

/**
 * What to make of the invitations that a sync brought. One into the agent's own room is none: that is a change of it. Where
 * nobody can tell whether one is, those that would be declined still stand there for the next first look.
 */
export async function judge(
  client: MatrixClient,
  response: Pick<SyncResponse, "invited">,
  { roomId: ownRoomId, spaceId }: Pick<PollInput, "roomId" | "spaceId">,
  policy: InvitationPolicy,
  signal: AbortSignal,
): Promise<{ readonly invited: readonly Invitation[]; readonly isLetIn: boolean }> {
  const foreign = response.invited.filter(({ roomId }) => roomId !== ownRoomId);
  if (foreign.length === 0) return { invited: [], isLetIn: response.invited.length > 0 };
  const own = await replacementAt(client, ownRoomId, signal);
  const others = foreign.filter(({ roomId }) => roomId !== own.replacement);
  const all = others.map((invitation) => ({
    roomId: invitation.roomId,
    accept: invitation.roomId === spaceId || isWelcome(invitation, policy),
  }));
  // Any of them may be into the room in which the agent's own goes on: declined, it would be lost.
  const judged = own.isKnown ? all : all.filter(({ accept }) => accept);
  // Those that are declined may be a flood.
  const invited = judged.toSorted((a, b) => Number(b.accept) - Number(a.accept)).slice(0, mostAtOnce);
  return { invited, isLetIn: !own.isKnown || others.length < response.invited.length };
}

function isWelcome({ inviter }: InvitedRoom, { server, people, servers }: InvitationPolicy): boolean {
  if (inviter === undefined) return false;
  const home = inviter.slice(inviter.indexOf(":") + 1);
  return people.has(inviter) || servers.has(home) || (home === server && isAgentUser(inviter));
}

/** The room in which the agent's own is to go on, which it knows only from there, where its own can be read. */
async function replacementAt(client: MatrixClient, roomId: string, signal: AbortSignal) {
  try {
    return { isKnown: true, replacement: replacementOf(await RoomState.read(client, roomId, signal)) };
  } catch (error) {
    if (error instanceof MatrixError && error.kind === "forbidden") return { isKnown: true };
    if (!isUnreadable(error)) throw error;
    return { isKnown: false };
  }
}

/** A refusal alone may be a proxy's: an invitation was taken back when the homeserver does not tell of it any more. */
async function isStanding(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<boolean> {
  const filter = { timelineTypes: [], timelineLimit: 1, stateTypes: [] };
  const { invited } = await client.sync({ timeoutMs: 0, filter }, signal);
  return invited.some((invitation) => invitation.roomId === roomId);
}

/**
 * Accepts and declines. One room that does not answer keeps no other waiting: the first failure is thrown after all others
 * have had their turn.
 */
export async function answerAll(
  client: MatrixClient,
  invited: readonly Invitation[],
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = [];
  for (const { roomId, accept } of invited) {
    try {
      if (accept) await client.join(roomId, signal);
      else await client.leave(roomId, signal);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      const isRefused = accept && error.kind === "forbidden";
      // Its last word: the invitation was taken back, or the room is gone.
      if (!isLastWord(error) || (isRefused && (await isStanding(client, roomId, signal)))) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
