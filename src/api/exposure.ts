/** Whether an address is this machine's own, so that nobody else reaches it. */
export function isLoopback(address: string): boolean {
  const bare = address
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/^::ffff:/i, "")
    .toLowerCase();
  return bare === "::1" || bare === "localhost" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}

/** Nothing is served. */
export class PublicWithoutTokens extends Error {
  override readonly name = "PublicWithoutTokens";
  readonly remedy =
    "Let api.listen be at 127.0.0.1, start the program, make a token (`letta-matrix token create`), and change it back.";

  constructor(host: string) {
    super(`${host} can be reached from other machines, and nobody has a token yet`);
  }
}

/** Nothing is served. */
export class PublicAndOpen extends Error {
  override readonly name = "PublicAndOpen";
  readonly remedy = "Let api.listen be at 127.0.0.1, or leave api.legacy_open out.";

  constructor(host: string) {
    super(`${host} can be reached from other machines, and api.legacy_open lets everybody in without a token`);
  }
}
