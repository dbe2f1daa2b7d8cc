/** Whether an address is this machine's own, so that nobody else reaches it. */
export function isLoopback(address: string): boolean {
  const bare = address
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/^::ffff:/i, "")
    .toLowerCase();
  return bare === "::1" || bare === "localhost" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}

/** What is wrong with letting everybody in on this address, for the start to be refused with. */
export function openProblem(bindAddress: string, legacyOpen: boolean): string | undefined {
  if (!legacyOpen || isLoopback(bindAddress)) return undefined;
  return `serves everybody without a token, and ${bindAddress} can be reached from other machines: bind 127.0.0.1, or leave it out`;
}

/** Nothing is served. */
export class PublicWithoutTokens extends Error {
  override readonly name = "PublicWithoutTokens";
  readonly remedy =
    "Let api.listen be at 127.0.0.1, start the program, make a token (`letta-matrix token create`), and change it back.";

  constructor(host: string) {
    super(`${host} can be reached from other machines, and nobody has a token that is good`);
  }
}
