import { adoptCommand } from "./adopt/adopt.ts";
import { agentsMessage } from "./agents/message.ts";
import { agentsRoom } from "./agents/room.ts";
import { auditList } from "./audit/audit.ts";
import { type BoundCommand, bind, type CommandContext } from "./command.ts";
import { discoveryRun } from "./discovery/run.ts";
import { healthQuery } from "./health/health.ts";
import { messagesList } from "./messages/list.ts";
import { messagesEdit, messagesReact, messagesRedact, messagesReply, messagesSend } from "./messages/sending.ts";
import { roomsCreate, roomsInvite, roomsJoin, roomsLeave, roomsMembers } from "./rooms/rooms.ts";
import { agentQuery } from "./status/agent.ts";
import { agentsQuery } from "./status/agents.ts";
import { roomsQuery } from "./status/rooms.ts";
import { statusQuery } from "./status/status.ts";
import { backupCommand } from "./store/backup.ts";
import { inspectQuery } from "./store/inspect.ts";
import { deadLettersDrop, deadLettersQuery, deadLettersReplay } from "./supervision/dead-letters.ts";
import { releaseCommand } from "./supervision/release.ts";
import { tokensCreate, tokensList, tokensRevoke } from "./tokens/tokens.ts";

/** Everything that can be asked of the running system. */
export function bindCommands(context: CommandContext): readonly BoundCommand[] {
  return [
    bind(healthQuery, context),
    bind(statusQuery, context),
    bind(agentsQuery, context),
    bind(agentQuery, context),
    bind(roomsQuery, context),
    bind(discoveryRun, context),
    bind(adoptCommand, context),
    bind(releaseCommand, context),
    bind(deadLettersQuery, context),
    bind(deadLettersReplay, context),
    bind(deadLettersDrop, context),
    bind(backupCommand, context),
    bind(inspectQuery, context),
    bind(tokensCreate, context),
    bind(tokensList, context),
    bind(tokensRevoke, context),
    bind(auditList, context),
    bind(agentsMessage, context),
    bind(agentsRoom, context),
    bind(messagesList, context),
    bind(messagesSend, context),
    bind(messagesReply, context),
    bind(messagesReact, context),
    bind(messagesEdit, context),
    bind(messagesRedact, context),
    bind(roomsCreate, context),
    bind(roomsInvite, context),
    bind(roomsMembers, context),
    bind(roomsJoin, context),
    bind(roomsLeave, context),
  ];
}
