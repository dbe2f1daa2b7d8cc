import type { z } from "zod";
import { adoptCommand } from "./adopt/adopt.ts";
import { agentsMessage } from "./agents/message.ts";
import { agentsRoom } from "./agents/room.ts";
import { auditList } from "./audit/audit.ts";
import { agentsChart } from "./chart/agent-chart.ts";
import { type BoundCommand, bind, type Call, type Command, type CommandContext } from "./command.ts";
import { discoveryQuery } from "./discovery/look.ts";
import { discoveryRun } from "./discovery/run.ts";
import { healthQuery } from "./health/health.ts";
import { mediaGet } from "./media/get.ts";
import { mediaSend } from "./media/send.ts";
import { messagesList } from "./messages/list.ts";
import { messagesSearch } from "./messages/search.ts";
import { messagesEdit, messagesReact, messagesRedact, messagesReply, messagesSend } from "./messages/sending.ts";
import { roomsLeave } from "./rooms/leave.ts";
import { roomsCreate, roomsInvite, roomsJoin, roomsMembers } from "./rooms/rooms.ts";
import { spaceQuery } from "./space/look.ts";
import { agentQuery } from "./status/agent.ts";
import { agentsQuery } from "./status/agents.ts";
import { roomsQuery } from "./status/rooms.ts";
import { statusQuery } from "./status/status.ts";
import { backupCommand } from "./store/backup.ts";
import { inspectQuery } from "./store/inspect.ts";
import { deadLettersDrop, deadLettersQuery, deadLettersReplay } from "./supervision/dead-letters.ts";
import { agentsPause, agentsResume } from "./supervision/pause.ts";
import { agentsRelease, releaseCommand } from "./supervision/release.ts";
import { agentsReprovision } from "./supervision/reprovision.ts";
import { agentsRestart } from "./supervision/restart.ts";
import { treeQuery } from "./system/tree.ts";
import { versionQuery } from "./system/version.ts";
import { tokensCreate, tokensList, tokensRevoke } from "./tokens/tokens.ts";

/** Makes something callable of each command, whatever it takes and gives. */
type Bind = <TInput extends z.ZodType, TOutput extends z.ZodType, TNeeds extends keyof CommandContext>(
  command: Command<TInput, TOutput, TNeeds>,
) => BoundCommand;

function all(make: Bind): readonly BoundCommand[] {
  return [
    make(healthQuery),
    make(statusQuery),
    make(agentsQuery),
    make(agentQuery),
    make(roomsQuery),
    make(discoveryQuery),
    make(discoveryRun),
    make(versionQuery),
    make(treeQuery),
    make(spaceQuery),
    make(adoptCommand),
    make(releaseCommand),
    make(agentsPause),
    make(agentsResume),
    make(agentsRestart),
    make(agentsRelease),
    make(agentsReprovision),
    make(deadLettersQuery),
    make(deadLettersReplay),
    make(deadLettersDrop),
    make(backupCommand),
    make(inspectQuery),
    make(tokensCreate),
    make(tokensList),
    make(tokensRevoke),
    make(auditList),
    make(agentsMessage),
    make(agentsRoom),
    make(agentsChart),
    make(messagesList),
    make(messagesSearch),
    make(messagesSend),
    make(messagesReply),
    make(messagesReact),
    make(messagesEdit),
    make(messagesRedact),
    make(mediaGet),
    make(mediaSend),
    make(roomsCreate),
    make(roomsInvite),
    make(roomsMembers),
    make(roomsJoin),
    make(roomsLeave),
  ];
}

/** Everything that can be asked of the running system. */
export function bindCommands(context: CommandContext): readonly BoundCommand[] {
  return all((command) => bind(command, context));
}

/** Carries a command out in another process, which checks what it is given. */
export type Remote = <TOutput>(
  command: { readonly name: string; readonly output: z.ZodType<TOutput> },
  input: unknown,
  call: Pick<Call, "signal">,
) => Promise<TOutput>;

/** The same, asked of a process that runs elsewhere. */
export function remoteCommands(remote: Remote): readonly BoundCommand[] {
  return all(({ run: _, ...command }) => ({ ...command, execute: (input, call) => remote(command, input, call) }));
}
