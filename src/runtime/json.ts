/** What survives `JSON.parse(JSON.stringify(value))` unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A value that would come back from the store as something else. */
export class NotPlainJson extends TypeError {
  override readonly name = "NotPlainJson";
}

/** Deeper values are taken for ones that contain themselves. */
const deepest = 1_000;

/**
 * Throws {@link NotPlainJson}, naming the path, unless `value` survives a round trip through JSON. An optional property
 * that is `undefined` counts as absent. What is identical to `known` was checked before and is not walked again.
 */
export function assertPlainJson(value: unknown, path: string, known?: unknown, depth = 0): void {
  if (value === known || value === null || value === undefined) return;
  switch (typeof value) {
    case "boolean":
    case "string":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw new NotPlainJson(`${path} is ${value}, which JSON turns into null`);
    case "object":
      if (depth > deepest) throw new NotPlainJson(`${path.slice(0, 60)}… contains itself, or is nested too deeply`);
      return Array.isArray(value)
        ? assertPlainArray(value, path, known, depth)
        : assertPlainObject(value, path, known, depth);
    default:
      throw new NotPlainJson(`${path} is a ${typeof value}, which JSON does not keep`);
  }
}

function assertPlainArray(value: readonly unknown[], path: string, known: unknown, depth: number): void {
  for (const [index, item] of value.entries()) {
    if (item === undefined) throw new NotPlainJson(`${path}[${index}] is undefined, which JSON turns into null`);
    assertPlainJson(item, `${path}[${index}]`, Array.isArray(known) ? known[index] : undefined, depth + 1);
  }
}

function assertPlainObject(value: object, path: string, known: unknown, depth: number): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new NotPlainJson(`${path} is a ${value.constructor.name}, which JSON does not keep`);
  const before = typeof known === "object" && known !== null ? known : {};
  for (const [key, item] of Object.entries(value))
    assertPlainJson(item, `${path}.${key}`, Reflect.get(before, key), depth + 1);
}
