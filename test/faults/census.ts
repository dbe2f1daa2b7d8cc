import { z } from "zod";
import type { World } from "./world.ts";

const users = z.object({ users: z.array(z.object({ name: z.string() })) });
const rooms = z.object({
  rooms: z.array(z.object({ room_id: z.string(), creator: z.string().nullable(), name: z.string().nullish() })),
});

/** What there is twice on the homeserver, or should not be there at all, in the end. */
export async function census(world: World, agentUsers: ReadonlySet<string>): Promise<string[]> {
  const all = users.parse(await world.admin.request("GET", "/_synapse/admin/v2/users?limit=10000"));
  const made = rooms.parse(await world.admin.request("GET", "/_synapse/admin/v1/rooms?limit=10000"));
  const byCreator = Map.groupBy(made.rooms, ({ creator }) => creator ?? "");
  const bot = `@letta-matrix:${world.synapse.serverName}`;
  const ours = all.users.map(({ name }) => name).filter((name) => /^@(agent_|letta-matrix)/.test(name));
  const owners = [...agentUsers, bot];
  return [
    ...ours.filter((name) => !owners.includes(name)).map((name) => `${name} is a user that nobody needs`),
    ...owners.filter((name) => !ours.includes(name)).map((name) => `${name} is no user`),
    ...owners
      .map((name) => [name, byCreator.get(name)?.length ?? 0] as const)
      .filter(([, count]) => count !== 1)
      .map(([name, count]) => `${name} has made ${count} rooms, not one`),
  ];
}
