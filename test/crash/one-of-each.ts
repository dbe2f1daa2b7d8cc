import { agentLocalpart, isAgentUser, serverOfUser } from "../../src/machines/addresses.ts";
import type { Evidence } from "./evidence.ts";

/** Laws about what there may be one of only: an agent's user, its session, its room, the space. */

/** What was asked for although it was there; each string is one breach. */
export function secondTimes({ oneTimeRequests, arrivals, kills }: Evidence): string[] {
  const within = ({ from, to }: { from: number; to: number }, { at }: { at: number }): boolean =>
    at >= from && at <= to;
  const late = oneTimeRequests.filter((request) => !arrivals.some((arrival) => within(arrival, request)));
  return [
    ...late.map(({ path }) => `${path} was called after everything had been set up`),
    // Agents come one after the other. Only a kill explains that something is asked for once more, or that an agent logs
    // in, which its registration has done already.
    ...arrivals.flatMap((arrival) => {
      const asked = Map.groupBy(
        oneTimeRequests.filter((request) => within(arrival, request)),
        ({ path }) => path,
      );
      const explained = kills.filter((kill) => within(arrival, kill)).length;
      return [...asked]
        .filter(([path, { length }]) => length > explained + (path.endsWith("/login") ? 0 : 1))
        .map(
          ([path, { length }]) => `${path} was called ${length} times for ${arrival.agentId}, in ${explained} kills`,
        );
    }),
  ];
}

/** How what there is differs from one user and one room for each agent, and one space for all. */
export function miscounts({ residents, count: { users, rooms } }: Evidence): string[] {
  const agents = users.filter(isAgentUser);
  const strangers = rooms.filter(({ creator, isSpace }) => !isSpace && !isAgentUser(creator));
  const spaces = rooms.filter(({ isSpace }) => isSpace);
  return [
    ...residents.filter(({ userId }) => !agents.includes(userId)).map(({ name }) => `${name} has no user`),
    ...agents.flatMap((userId) => {
      const made = rooms.filter(({ creator, isSpace }) => creator === userId && !isSpace);
      return made.length === 1 ? [] : [`${userId} has made ${made.length} rooms: ${made.map(({ roomId }) => roomId)}`];
    }),
    ...residents.flatMap(({ agentId, userId, roomId, name }) => {
      const alias = `#${agentLocalpart(agentId)}:${serverOfUser(userId)}`;
      const room = rooms.find((one) => one.roomId === roomId);
      return room?.alias === alias && room.creator === userId ? [] : [`the room of ${name} is not at ${alias}`];
    }),
    ...strangers.map(({ roomId, creator }) => `${creator} has made the room ${roomId}`),
    ...(spaces.length === 1 ? [] : [`there are ${spaces.length} spaces`]),
  ];
}
