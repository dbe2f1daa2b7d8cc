import { largestFileRequest } from "../../commands/media/get.ts";

/** One way to ask for a command by HTTP. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below /api/v1. Names in braces are fields of the command's input. */
  readonly path: string;
  readonly command: string;
  /** What it answers with; 200 if not told. */
  readonly status?: 201;
  /** Bytes that a request may have; what all may have if not told. */
  readonly bodyLimit?: number;
  /** What the input has when the caller does not say. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Set where it can be watched as a stream of events: what the input then has when the caller does not say. */
  readonly streamed?: Readonly<Record<string, unknown>>;
}

/** How many things one answer lists when the caller does not say. */
const pageSize = { limit: 100 };

/**
 * The REST API: which path asks for which command. Whatever is not in the path comes in the query where nothing is sent in
 * a body, else in the body. Routes to commands that are not there are not served.
 */
export const routes: readonly Route[] = [
  { method: "GET", path: "/status", command: "status" },
  { method: "GET", path: "/agents", command: "agents", defaults: pageSize },
  { method: "GET", path: "/agents/{agent}", command: "agent" },
  { method: "GET", path: "/agents/{agent}/chart", command: "agents.chart" },
  { method: "POST", path: "/actors/{actor}/release", command: "release" },
  { method: "POST", path: "/agents/{agent}/pause", command: "agents.pause" },
  { method: "POST", path: "/agents/{agent}/resume", command: "agents.resume" },
  { method: "POST", path: "/agents/{agent}/restart", command: "agents.restart" },
  { method: "POST", path: "/agents/{agent}/release", command: "agents.release" },
  { method: "POST", path: "/agents/{agent}/reprovision", command: "agents.reprovision" },
  { method: "POST", path: "/agents/{to}/messages", command: "agents.message", streamed: { wait: 60 } },
  { method: "GET", path: "/rooms", command: "rooms", defaults: pageSize },
  { method: "POST", path: "/rooms", command: "rooms.create", status: 201 },
  { method: "GET", path: "/rooms/{room}/members", command: "rooms.members" },
  { method: "POST", path: "/rooms/{room}/invitations", command: "rooms.invite" },
  { method: "POST", path: "/rooms/{room}/join", command: "rooms.join" },
  { method: "POST", path: "/rooms/{room}/leave", command: "rooms.leave" },
  { method: "GET", path: "/rooms/{room}/messages", command: "messages.list" },
  { method: "POST", path: "/rooms/{room}/messages", command: "messages.send", streamed: { wait: 300 } },
  { method: "POST", path: "/rooms/{room}/messages/{event}/replies", command: "messages.reply" },
  { method: "POST", path: "/rooms/{room}/messages/{event}/reactions", command: "messages.react" },
  { method: "PUT", path: "/rooms/{room}/messages/{event}", command: "messages.edit" },
  { method: "POST", path: "/rooms/{room}/messages/{event}/redaction", command: "messages.redact" },
  { method: "POST", path: "/rooms/{room}/files", command: "media.send", status: 201, bodyLimit: largestFileRequest },
  { method: "GET", path: "/messages", command: "messages.search" },
  { method: "GET", path: "/files", command: "media.get" },
  { method: "GET", path: "/system/version", command: "system.version" },
  { method: "GET", path: "/system/tree", command: "system.tree" },
  { method: "GET", path: "/space", command: "space" },
  { method: "GET", path: "/discovery", command: "discovery" },
  { method: "POST", path: "/discovery/run", command: "discovery.run" },
  { method: "GET", path: "/dead-letters", command: "dead-letters.list", defaults: pageSize },
  { method: "POST", path: "/dead-letters/{id}/replay", command: "dead-letters.replay" },
  { method: "POST", path: "/dead-letters/{id}/drop", command: "dead-letters.drop" },
  { method: "GET", path: "/tokens", command: "tokens.list", defaults: pageSize },
  { method: "POST", path: "/tokens", command: "tokens.create", status: 201 },
  { method: "DELETE", path: "/tokens/{id}", command: "tokens.revoke" },
  { method: "GET", path: "/audit", command: "audit.list" },
  { method: "GET", path: "/store", command: "store.inspect" },
  { method: "POST", path: "/store/backup", command: "store.backup" },
];

/** The fields of the input that a route's path holds. */
export function fieldsIn(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, field = ""]) => field);
}

/** Whether the rest of the input comes in the query. */
export function asksByQuery({ method }: Pick<Route, "method">): boolean {
  return method === "GET" || method === "DELETE";
}
