import { z } from "zod";
import type { Command } from "../command.ts";

const input = z.strictObject({});

const output = z.object({ version: z.string(), node: z.string().describe("The version of Node.js that runs it.") });

/** What runs. */
export const versionQuery: Command<typeof input, typeof output, "version"> = {
  name: "system.version",
  summary: "Which version of letta-matrix runs, and on which Node.js.",
  guidance: "To tell which version runs, for a report of a bug, say. For how it is doing take `status`.",
  scope: "admin:read",
  changes: false,
  input,
  output,
  async run(_, { version }) {
    return { version, node: process.versions.node };
  },
};
