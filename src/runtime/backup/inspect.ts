import { openDatabase, openLevel } from "../embedded/open.ts";
import { readIdentity } from "../embedded/store/identity.ts";
import { StoreUnavailable } from "../embedded/store/unavailable.ts";
import type { Inspection, StoreIdentity } from "../storage.ts";
import { hasStore } from "./aside.ts";
import { headerOf, rowsOf } from "./file.ts";
import { rawRows } from "./raw-rows.ts";
import { damagedRows, Surveyor } from "./surveyor.ts";

/** What is in a backup. Throws BackupUnusable when it is none; one that is not whole is read as far as it goes. */
export async function inspectBackup(file: string, actor?: string): Promise<Inspection> {
  const { store, at } = await headerOf(file);
  const survey = new Surveyor(actor);
  const damage: string[] = [];
  try {
    for await (const [key, value] of rowsOf(file)) survey.count(key, value);
  } catch (error) {
    damage.push(messageOf(error));
  }
  return { ...survey.result(), store, at, damage };
}

/**
 * What is in a store that nobody has open, whole or not. Throws StoreUnavailable when there is none, or it is another's.
 */
export async function inspectFolder(folder: string, actor?: string): Promise<Inspection> {
  const damage = await damageOf(folder);
  const survey = new Surveyor(actor);
  try {
    // LevelDB makes a folder even where it makes no database.
    if (await hasStore(folder)) await count(folder, survey);
  } catch (error) {
    // Where it is known already why it is refused, this is the same trouble in other words.
    if (damage.length === 0) damage.push(messageOf(error));
  }
  const result = survey.result();
  if (result.damaged.length > 0 && damage.length === 0) damage.push(damagedRows);
  const store = await identityIn(folder);
  return { ...result, ...(store !== undefined && { store }), damage };
}

async function count(folder: string, survey: Surveyor): Promise<void> {
  const level = await openLevel(folder, { create: false });
  try {
    for await (const { key, value } of rawRows(level)) survey.count(key, value);
  } finally {
    await level.close();
  }
}

async function identityIn(folder: string): Promise<StoreIdentity | undefined> {
  const known = await readIdentity(folder).catch(() => undefined);
  if (known === undefined) return undefined;
  const { sequence: _, ...identity } = known;
  return identity;
}

/** Why the store would be refused. */
async function damageOf(folder: string): Promise<string[]> {
  try {
    await (await openDatabase(folder, { create: false })).close();
    return [];
  } catch (error) {
    if (error instanceof StoreUnavailable && error.kind === "damaged") return [error.message];
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
