import { expect } from "vitest";
import { room, server } from "../api/installation.ts";

/** The older servers' tools: each with arguments as their clients give them, and what comes of it in the installation. */
export const sevenTools: readonly (readonly [string, Readonly<Record<string, string | number>>, object])[] = [
  ["send_matrix_message", { room_id: room, message: "hello" }, { state: "done", events: ["$said"] }],
  ["list_matrix_rooms", {}, { server }],
  ["get_room_messages", { room_id: room, limit: 5 }, { room }],
  ["create_matrix_room", { name: "Talk" }, { room: expect.stringMatching(/^!/) }],
  ["send_message_to_agent", { agent: "Muse", message: "hello", from_agent: "Scout" }, { state: "asked" }],
  ["list_agents", {}, { agents: expect.arrayContaining([expect.objectContaining({ name: "Scout" })]) }],
  ["get_agent_room", { agent: "scout" }, { agentId: "agent-1", room: "!agent-1:example.org" }],
];
