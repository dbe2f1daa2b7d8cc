/** What kind of message shows a file of this type. Left out is what browsers would run: HTML, SVG, scripts. */
const kinds: Readonly<Record<string, "m.image" | "m.audio" | "m.video" | "m.file">> = {
  "image/png": "m.image",
  "image/jpeg": "m.image",
  "image/gif": "m.image",
  "image/webp": "m.image",
  "audio/mpeg": "m.audio",
  "audio/ogg": "m.audio",
  "audio/wav": "m.audio",
  "video/mp4": "m.video",
  "video/webm": "m.video",
  "text/plain": "m.file",
  "text/markdown": "m.file",
  "text/csv": "m.file",
  "application/json": "m.file",
  "application/pdf": "m.file",
  "application/zip": "m.file",
  "application/octet-stream": "m.file",
};

export const safeTypes = Object.keys(kinds);

/** What nobody knows how to show, and nobody runs. */
const unknownType = "application/octet-stream";

export function kindOf(contentType: string) {
  return kinds[contentType] ?? "m.file";
}

/** A type that others have given, made safe: what is not known to be harmless is given as bytes. */
export function safeTypeOf(given: string): string {
  const [type = ""] = given.toLowerCase().split(";");
  return type.trim() in kinds ? type.trim() : unknownType;
}
