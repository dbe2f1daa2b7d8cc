import { z } from "zod";
import type { Command } from "../command.ts";
import { roomList } from "./schema.ts";
import { agentOf, conversationOf } from "./views.ts";

const input = z.strictObject({
  limit: z.int().min(1).max(1_000).exactOptional().describe("How many at most."),
  cursor: z.base64url().min(1).max(1_000).exactOptional().describe("`next` of the page before."),
});

/** All rooms in which an agent is, or was ever asked something; to whoever acts as one agent, only that one's. */
export const roomsQuery: Command<typeof input, typeof roomList, "host" | "clock" | "server"> = {
  name: "rooms",
  summary: "All rooms in which agents are asked: whose they are, what is done there, and what waits.",
  guidance: "The rooms of the agents, and who answers in them. For the state of an agent take `agent`.",
  scope: "rooms:read",
  changes: false,
  input,
  output: roomList,
  async run(
    { limit = Number.POSITIVE_INFINITY, cursor },
    { host, clock, server },
    { signal, principal: { agentId: own } },
  ) {
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
    // Own rooms come before those of others.
    const placeOf = ({ agentId, roomId }: { readonly agentId: string; readonly roomId: string }): string =>
      JSON.stringify([byId.get(agentId)?.roomId === roomId ? 0 : 1, agentId, roomId]);
    const after = cursor === undefined ? "" : Buffer.from(cursor, "base64url").toString();
    const left = places
      .filter((place) => (own === undefined || place.agentId === own) && placeOf(place) > after)
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    const shown = left.slice(0, limit);
    const last = shown.at(-1);
    return {
      server,
      at: clock.now(),
      ...(left.length > shown.length &&
        last !== undefined && { next: Buffer.from(placeOf(last)).toString("base64url") }),
      rooms: shown.map(({ agentId, roomId }) => {
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
