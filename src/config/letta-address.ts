/** Whether the address is one of Letta's REST API; an App Server's begins with `ws:` or `wss:`. */
export function isRestAddress(url: unknown): boolean {
  return typeof url === "string" && /^https?:/.test(url);
}
