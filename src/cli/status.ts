import { agentQuery } from "../commands/status/agent.ts";
import { agentsQuery } from "../commands/status/agents.ts";
import { roomsQuery } from "../commands/status/rooms.ts";
import type { AgentDetail, AgentList, RoomList, Status } from "../commands/status/schema.ts";
import { statusQuery } from "../commands/status/status.ts";
import { agentsText, agentText, roomsText } from "./agents-text.ts";
import type { Query } from "./query.ts";
import { statusText } from "./status-text.ts";

/** What can be looked at, and how it is shown. */

export const statusPage: Query<Status> = { command: statusQuery, input: {}, textOf: statusText };

export const agentsPage: Query<AgentList> = { command: agentsQuery, input: {}, textOf: agentsText };

export const roomsPage: Query<RoomList> = { command: roomsQuery, input: {}, textOf: roomsText };

export function agentPage(agent: string): Query<AgentDetail> {
  return { command: agentQuery, input: { agent }, textOf: agentText };
}
