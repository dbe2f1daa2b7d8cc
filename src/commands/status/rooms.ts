import { z } from "zod";
import type { Command } from "../command.ts";
import { pageOf, paging } from "../paging.ts";
import { roomList } from "./schema.ts";
import { agentOf, conversationOf } from "./views.ts";
import { wordsFor } from "./words.ts";

const input = z.strictObject(paging);

/** All rooms in which an agent is, or was ever asked something; to whoever acts as one agent, only that one's. */
export const roomsQuery: Command<typeof input, typeof roomList, "host" | "clock" | "server"> = {
  name: "rooms",
  summary: "All rooms in which agents are asked: whose they are, what is done there, and what waits.",
  guidance: "To see where agents answer. For the state of one take `agent`.",
  scope: "rooms:read",
  changes: false,
  input,
  output: roomList,
  async run(asked, { host, clock, server }, { signal, principal }) {
    const { agentId: own } = principal;
    const words = wordsFor(principal);
    signal.throwIfAborted();
    const agents = (await Array.fromAsync(host.list(server, "agent"))).map((record) => agentOf(record, host));
    const conversations = (await Array.fromAsync(host.list(server, "conversation"))).map((record) =>
      conversationOf(record, host),
    );
    const keyOf = (agentId: string, roomId: string): string => JSON.stringify([agentId, roomId]);
    const talks = new Map(conversations.map((one) => [keyOf(one.agentId, one.roomId), one]));
    const byId = new Map(agents.map((agent) => [agent.agentId, agent]));
    const places = [
      ...agents.flatMap(({ agentId, roomId }) => (roomId === undefined ? [] : [{ agentId, roomId }])),
      ...conversations.filter(({ agentId, roomId }) => byId.get(agentId)?.roomId !== roomId),
    ];
    // Own rooms come before those of others.
    const placeOf = ({ agentId, roomId }: { readonly agentId: string; readonly roomId: string }): string =>
      JSON.stringify([byId.get(agentId)?.roomId === roomId ? 0 : 1, agentId, roomId]);
    const visible = places.filter(({ agentId }) => own === undefined || agentId === own);
    const { shown, following } = pageOf("rooms", visible, placeOf, asked);
    return {
      server,
      at: clock.now(),
      ...following,
      rooms: shown.map(({ agentId, roomId }) => {
        const agent = byId.get(agentId);
        const conversation = talks.get(keyOf(agentId, roomId));
        return {
          roomId,
          agentId,
          ...(agent?.name !== undefined && { name: agent.name }),
          own: agent?.roomId === roomId,
          ...(conversation !== undefined && { conversation: words(conversation) }),
        };
      }),
    };
  },
};
