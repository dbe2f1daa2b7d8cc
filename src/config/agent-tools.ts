/** The tools for Matrix that an agent can be given, by name. */
export const agentToolNames = [
  "send_matrix_message",
  "get_room_messages",
  "list_matrix_rooms",
  "create_matrix_room",
  "reply_to_message",
  "react_to_message",
  "edit_message",
  "redact_message",
  "invite_to_room",
  "join_room",
  "leave_room",
  "list_room_members",
  "send_message_to_agent",
  "list_agents",
  "get_agent_room",
] as const;

/** Enough to talk to anybody. Each one more makes every prompt longer. */
export const usualAgentTools: readonly (typeof agentToolNames)[number][] = [
  "send_matrix_message",
  "get_room_messages",
  "list_matrix_rooms",
  "create_matrix_room",
  "send_message_to_agent",
  "list_agents",
  "get_agent_room",
];
