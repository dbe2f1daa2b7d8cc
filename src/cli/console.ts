/** The terminal, or whatever stands in for it. */
export interface Console {
  out(text: string): void;
  err(text: string): void;
}

/** A stranger's text without what a terminal would take as a command. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
}

/** An error for a person: what happened, and what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const remedy = remedyOf(error);
  return remedy === undefined ? error.message : `${error.message}\n${remedy}`;
}

/** The advice of the error or of what caused it. */
function remedyOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const remedy: unknown = Reflect.get(error, "remedy");
  return typeof remedy === "string" ? remedy : remedyOf(error.cause);
}
