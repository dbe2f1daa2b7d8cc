import { z } from "zod";
import { auditEntry } from "../access/audit-log.ts";
import type { Command } from "../command.ts";

const paging = z.strictObject({
  refused: z
    .boolean()
    .default(false)
    .describe("What was refused, in the place of what was done or failed: as many of these are kept apart."),
  limit: z.int().min(1).max(200).default(50).describe("How many at most."),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, "is no cursor of ours")
    .exactOptional()
    .describe("`next` of the page before."),
});

const page = z.object({
  entries: z.array(auditEntry),
  next: z.string().exactOptional().describe("Where the next page begins; left out on the last one."),
});

/** Who changed what, the newest first. */
export const auditList: Command<typeof paging, typeof page, "audit"> = {
  name: "audit.list",
  summary: "Who changed what, and how that ended, or who was refused it, the newest first.",
  guidance:
    "For an operator who asks who did something, or with `refused` who was not let. The last ten thousand of each are kept.",
  scope: "admin:read",
  changes: false,
  input: paging,
  output: page,
  async run({ refused, limit, cursor }, { audit }) {
    const { entries, ...rest } = await audit.page(limit, cursor, refused ? "refused" : "tried");
    return { entries: [...entries], ...rest };
  },
};
