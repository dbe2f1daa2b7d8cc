import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { ConfigError } from "./config-error.ts";
import type { AvatarChoice, ConfigFile } from "./schema.ts";

/** More than this is no avatar, and many homeservers take no more. */
const mostBytes = 5_000_000;

/** How files of these kinds begin, whatever they are called. */
const kinds: readonly { readonly contentType: string; readonly begins: RegExp }[] = [
  { contentType: "image/png", begins: /^\x89PNG\r\n/ },
  { contentType: "image/jpeg", begins: /^\xff\xd8\xff/ },
  { contentType: "image/gif", begins: /^GIF8[79]a/ },
  { contentType: "image/webp", begins: /^RIFF[\s\S]{4}WEBP/ },
];

/** The picture that was chosen; a file is read, relative to the configuration. Throws {@link ConfigError}. */
export async function readAvatarChoice(path: string, { avatars: { picture } }: ConfigFile): Promise<AvatarChoice> {
  if (picture === "generated" || picture === "none") return { kind: picture };
  if (picture.startsWith("mxc://")) return { kind: "address", url: picture };
  const file = resolve(dirname(path), picture);
  const bytes = await readFile(file).catch((error: unknown) => error);
  if (!(bytes instanceof Uint8Array)) throw problem(path, `names ${file}, which cannot be read (${reasonOf(bytes)})`);
  if (bytes.length > mostBytes) throw problem(path, `names ${file}, which is larger than 5 MB`);
  const begin = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  const kind = kinds.find(({ begins }) => begins.test(begin));
  if (kind === undefined) throw problem(path, `names ${file}, which is no PNG, JPEG, GIF or WebP picture`);
  const source = `file ${createHash("sha256").update(bytes).digest("hex")}`;
  return { kind: "file", source, name: basename(file), contentType: kind.contentType, bytes };
}

function problem(path: string, message: string): ConfigError {
  return new ConfigError(path, [{ key: "avatars.picture", message }]);
}

function reasonOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
