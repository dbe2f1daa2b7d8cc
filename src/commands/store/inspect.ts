import { z } from "zod";
import type { Command } from "../command.ts";
import { reference } from "../reference.ts";
import { inspection } from "./schema.ts";

const input = z.strictObject({
  /** An actor's id, of which more is wanted. */
  actor: reference.min(1).exactOptional(),
});

/** What the store holds, counted. */
export const inspectQuery: Command<typeof input, typeof inspection, "storage"> = {
  name: "store.inspect",
  summary: "Counts what is in the store, by kind and by actor; never tells what was said.",
  guidance: "What is in the store, counted. Nothing that was said is shown.",
  scope: "admin:read",
  changes: false,
  input,
  output: inspection,
  async run({ actor }, { storage }, { signal }) {
    return inspection.parse(await storage.inspect(actor, signal));
  },
};
