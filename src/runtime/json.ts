/** What survives `JSON.parse(JSON.stringify(value))` unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A value that would come back from the store as something else. */
export class NotPlainJson extends TypeError {
  override readonly name = "NotPlainJson";
}

/**
 * Throws {@link NotPlainJson}, naming the path, unless `value` survives a round trip through JSON. An optional property
 * that is `undefined` counts as absent. What is identical to `known` was checked before and is not walked again.
 */
export function assertPlainJson(value: unknown, path: string, known?: unknown): void {
  if (value === known || value === null || value === undefined) return;
  switch (typeof value) {
    case "boolean":
    case "string":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw new NotPlainJson(`${path} is ${value}, which JSON turns into null`);
    case "object":
      return assertPlainObject(value, path, known);
    default:
      throw new NotPlainJson(`${path} is a ${typeof value}, which JSON does not keep`);
  }
}

function assertPlainObject(value: object, path: string, known: unknown): void {
  const before: unknown = typeof known === "object" ? known : undefined;
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      if (item === undefined) throw new NotPlainJson(`${path}[${index}] is undefined, which JSON turns into null`);
      assertPlainJson(item, `${path}[${index}]`, Array.isArray(before) ? before[index] : undefined);
    });
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new NotPlainJson(`${path} is a ${value.constructor.name}, which JSON does not keep`);
  for (const [key, item] of Object.entries(value))
    assertPlainJson(item, `${path}.${key}`, before ? Reflect.get(before, key) : undefined);
}
