import { anybodys, elsewhere, event, file, room } from "./installation.ts";
import type { Served } from "./served.ts";

/** A good request of a route. */
export interface Example {
  /** What stands in the path, by field. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
}

/** For each command that is served over REST or MCP: how it is asked for, so that it does what it is for. */
export const examples: Readonly<Record<string, (served: Served) => Example | Promise<Example>>> = {
  status: () => ({}),
  agents: () => ({ query: "limit=1" }),
  agent: () => ({ path: { agent: "Scout" } }),
  "agents.chart": () => ({ path: { agent: "Scout" } }),
  release: () => ({ path: { actor: "agent-1" } }),
  "agents.pause": () => ({ path: { agent: "Scout" }, body: { reason: "too dear" } }),
  "agents.resume": () => ({ path: { agent: "Scout" } }),
  "agents.release": () => ({ path: { agent: "Scout" } }),
  "agents.restart": () => ({ path: { agent: "Scout" } }),
  "agents.reprovision": () => ({ path: { agent: "Scout" } }),
  rooms: () => ({}),
  "system.version": () => ({}),
  "system.tree": () => ({}),
  space: () => ({}),
  discovery: () => ({}),
  "discovery.run": () => ({}),
  "dead-letters.list": () => ({}),
  "dead-letters.replay": () => ({ path: { id: "1764130000000-17" } }),
  "dead-letters.drop": () => ({ path: { id: "1764130000000-17" }, body: { reason: "spam" } }),
  "tokens.list": () => ({}),
  "tokens.create": () => ({ body: { name: "dashboard", scopes: ["agents:read"] } }),
  "tokens.revoke": async ({ tokens }) => ({
    path: { id: (await tokens.create({ name: "to be revoked", scopes: ["agents:read"] })).id },
  }),
  "audit.list": () => ({ query: "limit=10" }),
  "agents.room": () => ({ path: { agent: "Scout" } }),
  "agents.message": () => ({ path: { to: "Muse" }, body: { text: "hello", agent: "Scout" } }),
  "messages.list": () => ({ path: { room }, query: "limit=5" }),
  "messages.search": () => ({ query: "text=hello" }),
  "media.get": () => ({ query: `file=${encodeURIComponent(file)}` }),
  "media.send": () => ({ path: { room }, body: { name: "a.txt", type: "text/plain", base64: "aGVsbG8=" } }),
  "messages.send": () => ({ path: { room }, body: { text: "hello" } }),
  "messages.reply": () => ({ path: { room, event }, body: { text: "hello" } }),
  "messages.react": () => ({ path: { room, event }, body: { sign: "👍" } }),
  "messages.edit": () => ({ path: { room, event: anybodys }, body: { text: "hello" } }),
  "messages.redact": () => ({ path: { room, event } }),
  "rooms.create": () => ({ body: { name: "Talk" } }),
  "rooms.invite": () => ({ path: { room }, body: { user: "@anna:example.org" } }),
  "rooms.members": () => ({ path: { room } }),
  "rooms.join": () => ({ path: { room } }),
  "rooms.leave": () => ({ path: { room: elsewhere } }),
  "store.inspect": () => ({}),
  "store.backup": () => ({ body: { file: "/var/backups/letta-matrix" } }),
};
