import { agentOf, agentUserId, serverOf } from "../../machines/addresses.ts";
import { agentMachine } from "../../machines/agent/index.ts";
import type { HomeserverAdmin } from "../../matrix/port.ts";
import { type Behaviour, defineBehaviour } from "../../runtime/behaviour.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Directory } from "../directory.ts";
import { mending } from "../mending.ts";
import type { Sessions } from "../sessions.ts";
import { ensureAccount } from "./account.ts";
import { answerInvitations, considerInvitations } from "./answer-invitations.ts";
import type { CommandPolicy } from "./command.ts";
import { furnishRoom } from "./furnish.ts";
import { type HistoryOf, type HistoryOptions, importHistory } from "./import.ts";
import { catchUp, longestPollSilence, poll } from "./intake.ts";
import type { InvitationPolicy } from "./invitations.ts";
import { invitePeople, linkToSpace } from "./link.ts";
import type { Acquaintance } from "./look.ts";
import { ensureProfile, type PictureOf } from "./profile.ts";
import { readOwed } from "./read-owed.ts";
import { awaitClosed, leaveRoom, listConversations, markRetired, releaseAlias, unlinkRoom } from "./retirement.ts";
import { createRoom, type RoomOptions, resolveRoom } from "./room.ts";
import { attachTools, detachTools, type ToolAttachment } from "./tools.ts";

export interface AgentDependencies {
  readonly sessions: Sessions;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly rooms: RoomOptions;
  readonly pictureOf: PictureOf;
  readonly history: HistoryOptions;
  readonly historyOf: HistoryOf;
  readonly invitations: InvitationPolicy;
  readonly commands: CommandPolicy;
  /** Left out where Letta takes no tools of ours to keep. */
  readonly tools?: ToolAttachment;
  /** Since when, in ms since the epoch, all that is heard is known: not before this store was. */
  readonly knownSince: number;
  /** Whether the homeserver pushes what is said. */
  readonly pushes: boolean;
  /** Where an administrator's token is configured. */
  readonly admin?: HomeserverAdmin;
}

export function agentBehaviour(dependencies: AgentDependencies): Behaviour {
  const { sessions, directory, clock, rooms, pictureOf, history, historyOf, tools, admin } = dependencies;
  const { invitations, commands, pushes, knownSince } = dependencies;
  const isTalkingIn: Acquaintance = (agentId, roomId) => directory.isTalkingIn(agentId, roomId);
  const looks = { isTalkingIn, knownSince, pushes };
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
      resolveRoom: mending(admin, resolveRoom(sessions, rooms, clock)),
      createRoom: createRoom(sessions, rooms),
      importHistory: importHistory(sessions, historyOf, history),
      linkToSpace: mending(admin, linkToSpace(sessions, rooms)),
      furnishRoom: mending(admin, furnishRoom(sessions, rooms)),
      invitePeople: mending(admin, invitePeople(sessions, rooms)),
      attachTools: attachTools(tools),
      detachTools: detachTools(tools),
      catchUp: catchUp(sessions, clock, invitations, commands, looks),
      poll: poll(sessions, clock, rooms, invitations, commands, pushes),
      readOwed: readOwed(sessions, clock, commands, looks),
      listConversations: listConversations(directory),
      awaitClosed: awaitClosed(directory, clock),
      markRetired: markRetired(sessions),
      releaseAlias: releaseAlias(sessions, rooms),
      unlinkRoom: unlinkRoom(sessions, rooms),
      leaveRoom: leaveRoom(sessions),
    },
    actions: {
      answerInvitations: answerInvitations(sessions, commands, pushes),
      considerInvitations: considerInvitations(sessions, invitations, commands),
    },
    silence: { poll: longestPollSilence },
    backoffDelays: ["accountRetry", "roomRetry", "intakeRetry", "arrearsRetry", "lifeRetry"],
  });
}
