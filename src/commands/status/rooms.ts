import { z } from "zod";
import type { Command } from "../command.ts";
import { roomList } from "./schema.ts";
import { agentOf, conversationOf } from "./views.ts";

const input = z.strictObject({});

/** All rooms in which an agent is, or was ever asked something; to whoever acts as one agent, only that one's. */
export const roomsQuery: Command<typeof input, typeof roomList, "host" | "clock" | "server"> = {
  name: "rooms",
  summary: "All rooms in which agents are asked: whose they are, what is done there, and what waits.",
  guidance: "The rooms of the agents, and who answers in them. For the state of an agent take `agent`.",
  scope: "rooms:read",
  changes: false,
  input,
  output: roomList,
  async run(_, { host, clock, server }, { signal, principal: { agentId: own } }) {
    signal.throwIfAborted();
    const agents = (await Array.fromAsync(host.list(server, "agent"))).map((record) => agentOf(record, host));
    const conversations = (await Array.fromAsync(host.list(server, "conversation"))).map((record) =>
      conversationOf(record, host),
    );
    const keyOf = (agentId: string, roomId: string): string => JSON.stringify([agentId, roomId]);
    const asked = new Map(conversations.map((one) => [keyOf(one.agentId, one.roomId), one]));
    const byId = new Map(agents.map((agent) => [agent.agentId, agent]));
    const places = [
      ...agents.flatMap(({ agentId, roomId }) => (roomId === undefined ? [] : [{ agentId, roomId }])),
      ...conversations.filter(({ agentId, roomId }) => byId.get(agentId)?.roomId !== roomId),
    ];
    return {
      server,
      at: clock.now(),
      rooms: places
        .filter(({ agentId }) => own === undefined || agentId === own)
        .map(({ agentId, roomId }) => {
          const agent = byId.get(agentId);
          const conversation = asked.get(keyOf(agentId, roomId));
          return {
            roomId,
            agentId,
            ...(agent?.name !== undefined && { name: agent.name }),
            own: agent?.roomId === roomId,
            ...(conversation !== undefined && { conversation }),
          };
        }),
    };
  },
};
