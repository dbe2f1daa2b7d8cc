import { crc32 } from "node:zlib";
import { remedyOfDamage } from "./unavailable.ts";

/** A row as it is kept: `<checksum><number of its batch> <value>`. The checksum is over key, number and value. */
export interface Row {
  readonly value: string;
  /** Of the batch that wrote it. */
  readonly sequence: number;
}

/** A row is not what was written under its key. */
export class RowDamaged extends Error {
  override readonly name = "RowDamaged";
  readonly remedy = remedyOfDamage;

  readonly key: string;

  constructor(key: string) {
    // A row's key names what it is about; its value may hold what people said.
    super(`the row ${key} of the store is not what was written there`);
    this.key = key;
  }
}

const checksumLength = 8;

export function seal(key: string, { value, sequence }: Row): string {
  const body = `${sequence.toString(36)} ${value}`;
  return checksumOf(key, body) + body;
}

/** Throws {@link RowDamaged}. */
export function unseal(key: string, sealed: string): Row {
  const body = sealed.slice(checksumLength);
  const space = body.indexOf(" ");
  const sequence = Number.parseInt(body.slice(0, space), 36);
  if (space < 1 || Number.isNaN(sequence) || !sealed.startsWith(checksumOf(key, body))) throw new RowDamaged(key);
  return { sequence, value: body.slice(space + 1) };
}

function checksumOf(key: string, body: string): string {
  return crc32(body, crc32(key)).toString(16).padStart(checksumLength, "0");
}
