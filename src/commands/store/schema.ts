import { z } from "zod";
import type { IdleStorage, Repaired, Restored } from "../../runtime/storage.ts";

/** What is done while nothing runs, and so is no command of the running system. */
export type { IdleStorage, Repaired, Restored };

const identity = z.object({
  format: z.number(),
  id: z.string(),
  madeAt: z.string(),
  /** How often what it holds was taken out of a backup, or saved from a damaged store. */
  epoch: z.number(),
});

export const backedUp = z.object({
  file: z.string(),
  store: identity,
  at: z.string(),
  rows: z.number(),
  records: z.number(),
});

export type BackedUp = z.output<typeof backedUp>;

const state = z.json();

/** What is in a store or a backup. Never what anybody said, nor a secret. */
export const inspection = z.object({
  store: identity.exactOptional(),
  at: z.string().exactOptional(),
  damage: z.array(z.string()),
  ranges: z.array(z.object({ kind: z.string(), rows: z.number(), bytes: z.number(), damaged: z.number() })),
  actors: z.record(z.string(), z.number()),
  oldest: z.number().exactOptional(),
  newest: z.number().exactOptional(),
  damaged: z.array(z.string()),
  actor: z
    .object({
      record: z
        .object({
          id: z.string(),
          machine: z.string(),
          version: z.number(),
          value: state,
          status: z.string(),
          revision: z.number(),
          at: z.number(),
        })
        .optional(),
      undelivered: z.array(z.string()),
      effects: z.array(z.string()),
      journal: z.array(z.looseObject({ at: z.number(), event: z.string(), to: state, effects: z.array(z.string()) })),
    })
    .exactOptional(),
});

export type StoreInspected = z.output<typeof inspection>;
