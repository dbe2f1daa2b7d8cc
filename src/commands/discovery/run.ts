import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import type { NotFound } from "../../machines/discovery.ts";
import type { Command } from "../command.ts";
import { found } from "./found.ts";

const input = z.strictObject({});

const answer = z.union([
  found,
  z.object({ failed: z.string(), remedy: z.string().exactOptional() }) satisfies z.ZodType<NotFound>,
]);

/** Letta pages through thousands of agents in this time, also on a busy machine. */
const longestListing = 120_000;

/** Asks for a listing of Letta's agents now, instead of at its next interval. */
export const discoveryRun: Command<typeof input, typeof found, "host" | "server"> = {
  name: "discovery.run",
  summary: "Lists Letta's agents now, and tells how many are new, renamed, back or missing.",
  guidance: "Makes agents that are new in Letta known at once. Not needed otherwise: the list is read at an interval.",
  scope: "admin:control",
  changes: true,
  input,
  output: found,
  async run(_, { host, server }, { signal }) {
    const event = { type: "LIST_NOW" };
    const answered = answer.parse(
      await host.ask(addressOf.discovery(server), event, { timeout: longestListing, signal }),
    );
    if ("failed" in answered) throw new NoListing(answered);
    return answered;
  },
};

/** Letta gave no complete listing; it is asked again by itself. */
export class NoListing extends Error {
  override readonly name = "NoListing";
  readonly remedy: string;

  constructor({ failed, remedy }: NotFound) {
    super(`Letta gave no complete list of its agents, so nothing has changed: ${failed}`);
    this.remedy = remedy ?? "It is tried again by itself; `letta-matrix status` shows when.";
  }
}
