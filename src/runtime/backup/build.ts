import { rm } from "node:fs/promises";
import type { ActorId } from "../actor-id.ts";
import { actorOfKey, keys, rangeOf, ranges, tailOfKey } from "../embedded/keys.ts";
import { openLevel } from "../embedded/open.ts";
import type { InboxRow } from "../embedded/rows.ts";
import { type Identity, identityFileOf, newFileOf, newIdentity, writeIdentity } from "../embedded/store/identity.ts";
import { seal } from "../embedded/store/seal.ts";
import { headRow } from "../embedded/store/sealed-database.ts";
import type { Write } from "../embedded/store.ts";
import type { Entry } from "./file.ts";

export interface BuildOptions {
  /** How often what it holds has been taken out of a backup, or saved from a damaged store. */
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Built {
  readonly rows: number;
  readonly records: number;
}

/** What is written at once, in characters. */
const batchLength = 1024 * 1024;

/**
 * Makes a new store of the rows of another that is gone. They are of the past: what happened since, nobody knows here. So
 * each actor finds the event `restored` as the last in its inbox, before any of its effects runs again; `store` in it is
 * new with each store, for what leaves the process because of it to be named by.
 */
export async function buildStore(
  folder: string,
  rows: AsyncIterable<Entry>,
  { epoch, now }: BuildOptions,
): Promise<Built> {
  await removeBuilt(folder);
  const identity = newIdentity(now(), epoch);
  const level = await openLevel(folder, { create: true });
  const actors = new Set<ActorId>();
  const counts = { rows: 0, records: 0 };
  let sequence = 1;
  let lastInbox = 0;
  try {
    let batch: Write[] = [];
    let length = 0;
    const add = async (key: string, value: string): Promise<void> => {
      batch.push({ type: "put", key, value: seal(key, { value, sequence }) });
      length += key.length + value.length;
      if (length < batchLength) return;
      // Also those that come before the last: a log that LevelDB has ended is not synced later.
      await level.batch(batch, { sync: true });
      sequence++;
      batch = [];
      length = 0;
    };
    for await (const [key, value] of rows) {
      const range = rangeOf(key);
      // Every actor of such a store looks back for what was said: what was held for it may have been answered since.
      if (range === ranges.backlog) continue;
      counts.rows++;
      if (range === ranges.record) counts.records++;
      if (range === ranges.record || range === ranges.inbox) actors.add(actorOfKey(key));
      if (range === ranges.inbox || range === ranges.deadLetter)
        lastInbox = Math.max(lastInbox, Number(tailOfKey(key)));
      await add(key, value);
    }
    for (const actor of actors) {
      await add(keys.inbox(actor, ++lastInbox), JSON.stringify(restored(identity)));
    }
    await level.batch([...batch, headRow(identity, { sequence, records: counts.records })], { sync: true });
  } finally {
    await level.close();
  }
  await writeIdentity(folder, identity, sequence);
  return counts;
}

/** Removes what {@link buildStore} has made there, whole or half. */
export async function removeBuilt(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rm(identityFileOf(folder), { force: true });
  await rm(newFileOf(identityFileOf(folder)), { force: true });
}

function restored({ id }: Identity): InboxRow {
  return { stimulus: { kind: "event", event: { type: "restored", store: id } }, cause: "restored", crashes: 0 };
}
