import { constants, copyFile, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { openLevel } from "../embedded/open.ts";
import { identityFileOf, readIdentity, syncFolder } from "../embedded/store/identity.ts";
import { headOf } from "../embedded/store/sealed-database.ts";
import { hasStore, isThere } from "./aside.ts";

/** A small file that belongs to the store that is put in place. */
export interface BelongingFile {
  readonly path: string;
  readonly content: string;
}

export interface Replacement {
  /** Where the store was built that takes the place. */
  readonly built: string;
  readonly folder: string;
  /** What the names of that end with which was in the way. */
  readonly suffix: string;
  readonly files?: readonly BelongingFile[];
}

/**
 * Puts a store that was built elsewhere in its place, and moves aside what was there: gives the names that this has now, as
 * nothing is ever deleted. The identity is the first to be in place: until all of it is done a start finds a store that is
 * not the identity's, or none, and refuses that. With nothing there at all it would begin anew. Whatever fails is undone.
 */
export async function replaceStore({ built, folder, files = [], ...asked }: Replacement): Promise<readonly string[]> {
  const undo: (() => Promise<unknown>)[] = [];
  const move = async (from: string, to: string): Promise<void> => {
    await rename(from, to);
    undo.push(() => rename(to, from));
  };
  const moveAside = async (path: string): Promise<readonly string[]> => {
    if (!(await isThere(path))) return [];
    const aside = `${path}.${suffix}`;
    await move(path, aside);
    return [aside];
  };
  const identity = identityFileOf(folder);
  const suffix = await freeSuffix(asked.suffix, (one) => [
    ...[folder, ...files.map(({ path }) => path)].map((path) => `${path}.${one}`),
    identityFileOf(`${folder}.${one}`),
  ]);
  const identityAside = identityFileOf(`${folder}.${suffix}`);
  try {
    const hadIdentity = await isThere(identity);
    if (hadIdentity) {
      await copyFile(identity, identityAside, constants.COPYFILE_EXCL);
      undo.push(() => rm(identityAside, { force: true }));
    }
    await rename(identityFileOf(built), identity);
    undo.push(() => (hadIdentity ? rename(identityAside, identity) : rm(identity)));
    await syncFolder(dirname(folder));
    const movedFiles: string[] = [];
    for (const { path, content } of files) {
      movedFiles.push(...(await moveAside(path)));
      undo.push(() => rm(path, { force: true }));
      await writeNew(path, content);
    }
    const movedStore = await moveAside(folder);
    await move(built, folder);
    await syncFolder(dirname(folder));
    return [...movedStore, ...(hadIdentity ? [identityAside] : []), ...movedFiles];
  } catch (error) {
    for (const step of undo.toReversed()) await step().catch(() => undefined);
    throw error;
  }
}

/** Ends what was cut off before its last step: the identity is in place, and its store stands where it was built. */
export async function endReplacing(built: string, folder: string): Promise<void> {
  if ((await hasStore(folder)) || !(await hasStore(built))) return;
  const identity = await readIdentity(folder).catch(() => undefined);
  const level = await openLevel(built, { create: false }).catch(() => undefined);
  if (level === undefined) return;
  try {
    const head = headOf(level);
    if (head === undefined || head.store !== identity?.id || head.epoch !== identity.epoch) return;
  } catch {
    return;
  } finally {
    await level.close();
  }
  await rename(built, folder);
  await syncFolder(dirname(folder));
}

/** Whatever was moved aside in the same second stays, too. */
async function freeSuffix(suffix: string, namesWith: (suffix: string) => readonly string[]): Promise<string> {
  for (let n = 1; ; n++) {
    const numbered = n === 1 ? suffix : `${suffix}-${n}`;
    const taken = await Promise.all(namesWith(numbered).map(isThere));
    if (!taken.includes(true)) return numbered;
  }
}

async function writeNew(path: string, content: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
