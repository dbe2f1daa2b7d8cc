import { agentOf, agentUserId, serverOf } from "../../machines/addresses.ts";
import { agentMachine } from "../../machines/agent/index.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Directory } from "../directory.ts";
import type { Sessions } from "../sessions.ts";
import { ensureAccount } from "./account.ts";
import { furnishRoom } from "./furnish.ts";
import { type ImportOptions, importHistory } from "./import.ts";
import { catchUp, poll } from "./intake.ts";
import { invitePeople, linkToSpace } from "./link.ts";
import { ensureProfile, type PictureOf } from "./profile.ts";
import { awaitClosed, leaveRoom, listConversations, markRetired, releaseAlias, unlinkRoom } from "./retirement.ts";
import { createRoom, type RoomOptions, resolveRoom } from "./room.ts";

export interface AgentDependencies {
  readonly sessions: Sessions;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly rooms: RoomOptions;
  readonly pictureOf: PictureOf;
  readonly history: ImportOptions;
}

export function agentBehaviour({
  sessions,
  directory,
  clock,
  rooms,
  pictureOf,
  history,
}: AgentDependencies): Behaviour {
  return defineBehaviour({
    machine: agentMachine,
    input: (id) => {
      const server = serverOf(id);
      const agentId = agentOf(id);
      return { server, agentId, userId: agentUserId(server, agentId) };
    },
    children: {
      ensureAccount: ensureAccount(sessions),
      ensureProfile: ensureProfile(sessions, pictureOf),
      resolveRoom: resolveRoom(sessions, rooms),
      createRoom: createRoom(sessions, rooms),
      importHistory: importHistory(sessions, history),
      linkToSpace: linkToSpace(sessions, rooms),
      furnishRoom: furnishRoom(sessions, rooms),
      invitePeople: invitePeople(sessions, rooms),
      catchUp: catchUp(sessions),
      poll: poll(sessions, clock, rooms),
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
