import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import type { Command } from "../command.ts";
import { waitStatus } from "../status/schema.ts";
import { singleOf } from "../status/views.ts";
import { wordsFor } from "../status/words.ts";

const input = z.strictObject({});

const output = z.object({
  server: z.string(),
  at: z.number(),
  state: z.string().describe("`never`: there is none yet, and nothing has been done for one."),
  health: z.enum(["running", "silent", "restarting", "quarantined"]),
  roomId: z.string().exactOptional().describe("The space that everybody enters; left out while there is none."),
  parts: z.number().describe("Of how many spaces it is made: the first is the space itself, the others are in it."),
  lastPart: z.string().exactOptional().describe("Where agents that come get their place."),
  given: z.number().describe("Places given in the last part."),
  capacity: z.number().describe("Places in each part."),
  wait: waitStatus.exactOptional(),
});

const kept = z.object({
  spaceId: z.string().optional(),
  parts: z.number(),
  lastId: z.string().optional(),
  given: z.number(),
  capacity: z.number(),
});

/** The space that holds the agents' rooms. */
export const spaceQuery: Command<typeof input, typeof output, "host" | "clock" | "server"> = {
  name: "space",
  summary: "The space that holds the agents' rooms: which room it is, of how many parts, and what it waits for.",
  guidance: "Where to find the agents' rooms in a Matrix client. For the rooms themselves take `rooms`.",
  scope: "rooms:read",
  changes: false,
  input,
  output,
  async run(_, { host, clock, server }, { principal }) {
    const record = host.read(addressOf.space(server));
    const about = { server, at: clock.now() };
    if (record === undefined)
      return { ...about, state: "never", health: "running" as const, parts: 0, given: 0, capacity: 0 };
    const { spaceId, parts, lastId, given, capacity } = kept.parse(record.context);
    return {
      ...about,
      ...wordsFor(principal)(singleOf(record, host)),
      ...(spaceId !== undefined && { roomId: spaceId }),
      parts,
      ...(lastId !== undefined && { lastPart: lastId }),
      given,
      capacity,
    };
  },
};
