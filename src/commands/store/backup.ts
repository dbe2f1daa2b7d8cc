import { isAbsolute } from "node:path";
import { z } from "zod";
import type { Command } from "../command.ts";
import { backedUp } from "./schema.ts";

const input = z.strictObject({
  /** Where the process that has the store writes it. */
  file: z.string().refine(isAbsolute, "must be an absolute path"),
});

/** Writes all that is known into one file. */
export const backupCommand: Command<typeof input, typeof backedUp, "storage"> = {
  name: "store.backup",
  summary:
    "Writes the store, as it is at this moment, and the instance secret into one file, which is a secret itself.",
  guidance: "Writes the whole store into one file on the server, while everything runs.",
  scope: "admin:control",
  changes: true,
  input,
  output: backedUp,
  async run({ file }, { storage }, { signal }) {
    return { file, ...(await storage.backUp(file, signal)) };
  },
};
