import { z } from "zod";
import { machines } from "../../machines/addresses.ts";
import type { ChildStatus } from "../../runtime/supervisor.ts";
import type { Command } from "../command.ts";

const input = z.strictObject({});

const part = z.object({
  id: z.string(),
  /** The supervisor that it is under, where that is not the outermost. */
  under: z.string().exactOptional(),
  restart: z.enum(["permanent", "transient", "temporary"]),
  /** `waiting`: those before it have not started yet. `ended`: it does not come back by itself. */
  state: z.enum(["waiting", "starting", "running", "restarting", "ended"]),
  /** How often it has been started. */
  incarnation: z.number(),
});

type Part = z.output<typeof part>;

const crowd = z.object({
  machine: z.string(),
  actors: z.number(),
  silent: z.number(),
  restarting: z.number(),
  quarantined: z.number(),
});

const output = z.object({
  server: z.string(),
  at: z.number(),
  parts: z.array(part).describe("Of the process, in the order in which they start; left empty while it does not run."),
  actors: z.array(crowd).describe("How many actors of each kind there are, and how many of them are in trouble."),
});

/** What runs under which supervisor, and how its actors fare. */
export const treeQuery: Command<typeof input, typeof output, "host" | "clock" | "server" | "supervision"> = {
  name: "system.tree",
  summary:
    "The tree of supervision: the parts of the process, how often each has been started, and its actors by kind.",
  guidance: "To tell which part of the program fails or starts again. For what agents wait for take `status`.",
  scope: "admin:read",
  changes: false,
  input,
  output,
  async run(_, { host, clock, server, supervision }, { signal }) {
    const actors: z.output<typeof crowd>[] = [];
    for (const machine of machines) {
      signal.throwIfAborted();
      const counted = { actors: 0, running: 0, silent: 0, restarting: 0, quarantined: 0 };
      for await (const { id } of host.list(server, machine)) {
        counted.actors += 1;
        counted[host.health(id).state] += 1;
      }
      const { running: _, ...crowd } = counted;
      actors.push({ machine, ...crowd });
    }
    return { server, at: clock.now(), parts: partsOf(supervision?.() ?? []), actors };
  },
};

function partsOf(children: readonly ChildStatus[], under?: string): Part[] {
  return children.flatMap(({ children: own = [], ...child }) => [
    { ...child, ...(under !== undefined && { under }) },
    ...partsOf(own, child.id),
  ]);
}
