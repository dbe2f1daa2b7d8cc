import { agentOf, agentUserId, serverOf } from "../../machines/addresses.ts";
import { agentMachine } from "../../machines/agent/index.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Directory } from "../directory.ts";
import type { Sessions } from "../sessions.ts";
import { ensureAccount } from "./account.ts";
import { catchUp, poll } from "./intake.ts";
import { awaitClosed, leaveRoom, listConversations, markRetired, releaseAlias, unlinkRoom } from "./retirement.ts";
import { createRoom, invitePeople, linkToSpace, type RoomOptions, resolveRoom } from "./room.ts";

export function agentBehaviour(sessions: Sessions, directory: Directory, clock: Clock, rooms: RoomOptions): Behaviour {
  return defineBehaviour({
    machine: agentMachine,
    input: (id) => {
      const server = serverOf(id);
      const agentId = agentOf(id);
      return { server, agentId, userId: agentUserId(server, agentId) };
    },
    children: {
      ensureAccount: ensureAccount(sessions),
      resolveRoom: resolveRoom(sessions, rooms),
      createRoom: createRoom(sessions, rooms),
      linkToSpace: linkToSpace(sessions, rooms),
      invitePeople: invitePeople(sessions, rooms),
      catchUp: catchUp(sessions),
      poll: poll(sessions, clock),
      listConversations: listConversations(directory),
      awaitClosed: awaitClosed(directory, clock),
      markRetired: markRetired(sessions),
      releaseAlias: releaseAlias(sessions, rooms),
      unlinkRoom: unlinkRoom(sessions, rooms),
      leaveRoom: leaveRoom(sessions),
    },
    backoffDelays: ["accountRetry", "roomRetry", "intakeRetry", "lifeRetry"],
  });
}
