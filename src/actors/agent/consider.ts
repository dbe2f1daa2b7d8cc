import type { PushedInvitation } from "../../machines/agent/context.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Heard } from "../../machines/question.ts";
import type { MatrixClient } from "../../matrix/port.ts";
import type { ActionEffects } from "../../runtime/effect.ts";
import { isLastWord } from "../last-word.ts";
import type { Sessions } from "../sessions.ts";
import type { CommandPolicy } from "./command.ts";
import { answerAll, type InvitationPolicy, judge } from "./invitations.ts";
import { hear } from "./listen.ts";
import { heardTypes } from "./read-back.ts";

/** What somebody writes at once after an invitation is not pushed: the agent is not in the room yet. So much is looked at. */
const mostSaid = 50;

/**
 * Judges invitations that were pushed, and answers them. Into a room that it accepts it takes what was said there since
 * the invitation.
 */
export function considerInvitations(
  sessions: Sessions,
  policy: InvitationPolicy,
  commands: CommandPolicy,
): Required<Pick<ActionEffects<typeof agentMachine>, "considerInvitations">>["considerInvitations"] {
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

async function saidSince(
  client: MatrixClient,
  { roomId, at }: Pick<PushedInvitation, "roomId" | "at">,
  listener: { readonly ownRoomId: string; readonly commanders: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<readonly Heard[]> {
  try {
    const { chunk } = await client.messages(roomId, { dir: "b", limit: mostSaid, types: heardTypes }, signal);
    const fresh = chunk.filter(({ originServerTs }) => originServerTs >= at).toReversed();
    return fresh.flatMap((event) => hear(event, roomId, { userId: client.userId, ...listener }) ?? []);
  } catch (error) {
    // It could not come in, or what was said before is kept from it.
    if (!isLastWord(error)) throw error;
    return [];
  }
}
