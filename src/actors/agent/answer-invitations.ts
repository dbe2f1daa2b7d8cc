import { z } from "zod";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Heard } from "../../machines/question.ts";
import { type MatrixClient, MatrixError, type MatrixEvent } from "../../matrix/port.ts";
import type { ActionEffects } from "../../runtime/effect.ts";
import { isLastWord } from "../last-word.ts";
import type { Sessions } from "../sessions.ts";
import type { CommandPolicy } from "./command.ts";
import { answerAll, type InvitationPolicy, judge } from "./invitations.ts";
import { hear } from "./listen.ts";
import { heardTypes } from "./read-back.ts";

type AgentEffects = Required<ActionEffects<typeof agentMachine>>;

/**
 * Who answers an invitation takes what was said in that room since it: somebody who invites an agent asks it something at
 * once, and that is not pushed, for the agent is not in the room yet. So much is looked at.
 */
const mostSaid = 50;

/** Names of the rooms whose invitations are answered, as it is noted between two tries. */
const roomsDone = z.array(z.string()).catch([]);

/**
 * Answers invitations that a sync brought. Where the homeserver pushes, no further one brings what was said since. One room
 * that does not answer keeps no other waiting, nor anybody from being heard there.
 */
export function answerInvitations(
  sessions: Sessions,
  commands: CommandPolicy,
  pushes: boolean,
): AgentEffects["answerInvitations"] {
  return async ({ userId, roomId: ownRoomId, spaceId, invited }, { signal, emit, checkpointed, checkpoint }) => {
    const client = sessions.as(userId);
    const listener = { ownRoomId, commanders: commands.people };
    const before = roomsDone.parse(checkpointed);
    const rooms: string[] = [];
    const heard: Heard[] = [];
    const failures: unknown[] = [];
    for (const invitation of invited) {
      const { roomId, accept } = invitation;
      if (before.includes(roomId)) continue;
      try {
        await answerAll(client, [invitation], signal);
        if (pushes && accept && roomId !== spaceId)
          heard.push(...(await saidSince(client, { roomId }, listener, signal)));
        rooms.push(roomId);
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        failures.push(error);
      }
    }
    if (heard.length > 0) await emit({ type: "LET_IN", heard });
    if (rooms.length > 0) {
      await emit({ type: "ANSWERED", rooms });
      await checkpoint([...before, ...rooms]);
    }
    if (failures.length > 0) throw failures[0];
  };
}

/** Judges invitations that were pushed, and answers them. */
export function considerInvitations(
  sessions: Sessions,
  policy: InvitationPolicy,
  commands: CommandPolicy,
): AgentEffects["considerInvitations"] {
  return async ({ userId, roomId: ownRoomId, spaceId, invited: pushed }, { signal, emit }) => {
    const client = sessions.as(userId);
    const place = { roomId: ownRoomId, ...(spaceId !== undefined && { spaceId }) };
    const { invited, isLetIn } = await judge(client, { invited: pushed }, place, policy, signal);
    if (isLetIn) await emit({ type: "LET_IN", heard: [], changed: true });
    await answerAll(client, invited, signal);
    const heard: Heard[] = [];
    for (const { roomId, accept } of invited) {
      const at = pushed.find((one) => one.roomId === roomId)?.at;
      if (accept && roomId !== spaceId && at !== undefined)
        heard.push(...(await saidSince(client, { roomId, at }, { ownRoomId, commanders: commands.people }, signal)));
    }
    if (heard.length > 0) await emit({ type: "LET_IN", heard });
  };
}

/** What was said since we were invited, which was not before `at` where that is known. */
async function saidSince(
  client: MatrixClient,
  { roomId, at = Number.POSITIVE_INFINITY }: { readonly roomId: string; readonly at?: number },
  listener: { readonly ownRoomId: string; readonly commanders: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<readonly Heard[]> {
  try {
    const request = { dir: "b", limit: mostSaid, types: [...heardTypes, "m.room.member"] } as const;
    const { chunk } = await client.messages(roomId, request, signal);
    const invitation = chunk.findIndex((event) => isInvitationOf(event, client.userId));
    const fresh =
      invitation < 0 ? chunk.filter(({ originServerTs }) => originServerTs >= at) : chunk.slice(0, invitation);
    return fresh.toReversed().flatMap((event) => hear(event, roomId, { userId: client.userId, ...listener }) ?? []);
  } catch (error) {
    // It could not come in, or what was said before is kept from it.
    if (!isLastWord(error)) throw error;
    return [];
  }
}

function isInvitationOf({ type, stateKey, content }: MatrixEvent, userId: string): boolean {
  return type === "m.room.member" && stateKey === userId && content["membership"] === "invite";
}
