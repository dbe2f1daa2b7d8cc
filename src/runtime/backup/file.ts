import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { ranges } from "../embedded/keys.ts";
import { identity, storeFormat, syncFolder } from "../embedded/store/identity.ts";
import { errorCode } from "../error-code.ts";
import type { BackupSummary } from "../storage.ts";

/**
 * A backup is one file of JSON lines: what it is of, each row as `["key","value"]` in the order of their keys, and at last
 * how many there were, with a hash of all that stands before. Each format that was released stays readable.
 */

const backupFormat = 1;

export type Entry = readonly [key: string, value: string];

const header = z.object({
  backup: z.literal("letta-matrix"),
  format: z.number().int(),
  store: identity,
  at: z.string(),
  /** Small files that belong to the store, by name. */
  files: z.record(z.string().regex(/^[a-z-]+$/), z.string()),
});

export type BackupHeader = z.infer<typeof header>;

const entry = z.tuple([z.string(), z.string()]);
const footer = z.strictObject({ rows: z.number().int(), records: z.number().int(), sha256: z.string() });

/** A file is no whole backup, or none that can be used here; or one cannot be written there. Nothing was changed. */
export class BackupUnusable extends Error {
  override readonly name = "BackupUnusable";
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

/** Writes it whole or not at all, readable for its owner only. What stands there already is never replaced. */
export async function writeBackup(
  file: string,
  about: Pick<BackupHeader, "store" | "at" | "files">,
  rows: AsyncIterable<Entry>,
): Promise<BackupSummary> {
  await assertAbsent(file);
  const part = `${file}.${randomUUID()}.part`;
  const counts = { rows: 0, records: 0 };
  try {
    // Open before anything can fail: a stream that still opens its file when it is given up may make it after it was removed.
    const opened = await open(part, "wx", 0o600);
    await pipeline(textOf(about, rows, counts), opened.createWriteStream({ flush: true }));
    await assertAbsent(file);
    await rename(part, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    if (error instanceof BackupUnusable || errorCode(error) === undefined) throw error;
    throw new BackupUnusable(
      `${file} cannot be written (${errorCode(error)})`,
      "Name a file in a folder that is there and may be written, on a disk with room.",
      error,
    );
  }
  return { store: about.store, at: about.at, ...counts };
}

async function assertAbsent(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) throw new BackupUnusable(`${file} is there already`, "Name a file that is not: none is replaced.");
}

/** Rows are written many at a time. */
const chunkLength = 64 * 1024;

async function* textOf(
  about: Pick<BackupHeader, "store" | "at" | "files">,
  rows: AsyncIterable<Entry>,
  counts: { rows: number; records: number },
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const hashed = (text: string): string => {
    hash.update(text);
    return text;
  };
  let text = `${JSON.stringify({ backup: "letta-matrix", format: backupFormat, ...about })}\n`;
  for await (const [key, value] of rows) {
    if (key.startsWith(ranges.mark)) continue;
    counts.rows++;
    if (key.startsWith(ranges.record)) counts.records++;
    text += `${JSON.stringify([key, value])}\n`;
    if (text.length < chunkLength) continue;
    yield hashed(text);
    text = "";
  }
  yield hashed(text);
  yield `${JSON.stringify({ ...counts, sha256: hash.digest("hex") })}\n`;
}

/** Reads all of it. Throws {@link BackupUnusable} when it is not whole. */
export async function checkBackup(file: string): Promise<BackupSummary> {
  const { store, at } = await headerOf(file);
  let rows = 0;
  let records = 0;
  for await (const [key] of rowsOf(file)) {
    rows++;
    if (key.startsWith(ranges.record)) records++;
  }
  return { store, at, rows, records };
}

/** What it is of. Throws {@link BackupUnusable}. */
export async function headerOf(file: string): Promise<BackupHeader> {
  for await (const line of linesOf(file)) return parseHeader(file, line);
  throw notWhole(file, "it is empty");
}

/** All of its rows. Throws {@link BackupUnusable}, at the last of them at the latest, when it is not whole. */
export async function* rowsOf(file: string): AsyncGenerator<Entry> {
  const hash = createHash("sha256");
  let line = 0;
  let rows = 0;
  let records = 0;
  let before = Buffer.alloc(0);
  let end: z.infer<typeof footer> | undefined;
  for await (const bytes of linesOf(file)) {
    if (end !== undefined) throw notWhole(file, "something follows its end");
    line++;
    const isRow = bytes[0] === openingBracket;
    if (line === 1) parseHeader(file, bytes);
    else if (!isRow) {
      end = parsed(file, line, footer, bytes);
      continue;
    }
    hash.update(bytes);
    if (line === 1) continue;
    const [key, value] = parsed(file, line, entry, bytes);
    // As LevelDB sorts them.
    const at = Buffer.from(key);
    if (Buffer.compare(at, before) <= 0 || key.startsWith(ranges.mark))
      throw notWhole(file, `line ${line} is out of place`);
    before = at;
    rows++;
    if (key.startsWith(ranges.record)) records++;
    yield [key, value];
  }
  if (end === undefined) throw notWhole(file, "its end is missing");
  if (end.rows !== rows || end.records !== records || end.sha256 !== hash.digest("hex"))
    throw notWhole(file, "it is not what was written");
}

const openingBracket = "[".charCodeAt(0);
const newline = "\n".charCodeAt(0);

/** Each with its newline. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: chunkLength })) {
      const bytes = Buffer.from(chunk);
      let from = 0;
      for (let to = bytes.indexOf(newline); to >= 0; to = bytes.indexOf(newline, from)) {
        yield Buffer.concat([...pieces, bytes.subarray(from, to + 1)]);
        pieces = [];
        from = to + 1;
      }
      if (from < bytes.length) pieces.push(bytes.subarray(from));
    }
  } catch (error) {
    if (Reflect.get(Object(error), "syscall") === undefined) throw error;
    throw new BackupUnusable(
      `${file} cannot be read (${errorCode(error)})`,
      "Name a backup that `letta-matrix backup` has made.",
      error,
    );
  }
  if (pieces.length > 0) throw notWhole(file, "its end is missing");
}

function parseHeader(file: string, bytes: Buffer): BackupHeader {
  const { format } = parsed(file, 1, header.pick({ backup: true, format: true }), bytes);
  if (format > backupFormat) throw tooNew(file);
  const about = parsed(file, 1, header, bytes);
  if (about.store.format > storeFormat) throw tooNew(file);
  return about;
}

function parsed<TSchema extends z.ZodType>(file: string, line: number, schema: TSchema, bytes: Buffer) {
  try {
    return schema.parse(JSON.parse(bytes.toString("utf8")));
  } catch {
    // The cause would show what stands there, which may be what people said.
    throw line === 1 ? noBackup(file) : notWhole(file, `line ${line} is not what was written there`);
  }
}

function noBackup(file: string): BackupUnusable {
  return new BackupUnusable(`${file} is no backup`, "Name a backup that `letta-matrix backup` has made.");
}

function notWhole(file: string, why: string): BackupUnusable {
  return new BackupUnusable(`${file} is not whole: ${why}`, "Take another copy of it, or an older backup.");
}

function tooNew(file: string): BackupUnusable {
  return new BackupUnusable(`${file} was made by a newer version`, "Restore it with that version, or a later one.");
}
