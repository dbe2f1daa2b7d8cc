/** By which Node and LevelDB tell errors apart, such as `ENOENT`; `undefined` for all others. */
export function errorCode(error: unknown): string | undefined {
  const code: unknown = Reflect.get(Object(error), "code");
  return typeof code === "string" ? code : undefined;
}
