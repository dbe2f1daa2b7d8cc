/**
 * JSON text that a homeserver accepts: half of a surrogate pair (a text cut inside an emoji) becomes U+FFFD, because
 * Unicode text cannot hold it and servers answer it with an internal error.
 */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value);
  // JSON.stringify escapes lone surrogates and nothing else this way, so most texts need no second pass.
  return text.includes("\\ud") ? JSON.stringify(wellFormed(value)) : text;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
}
