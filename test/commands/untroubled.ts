import type { CommandContext } from "../../src/commands/command.ts";
import type { Host } from "../../src/runtime/host.ts";

/** Of a host in which nothing has ever gone wrong. */
export const untroubled: Pick<Host, "health" | "crashes" | "quarantined" | "release" | "restart" | "deadLetters"> = {
  health: () => ({ state: "running" }),
  crashes: async () => [],
  quarantined: () => [],
  release: async () => false,
  restart: async () => false,
  deadLetters: {
    list: async () => [],
    replay: () => Promise.reject(new Error("there is no dead letter")),
    drop: () => Promise.reject(new Error("there is no dead letter")),
  },
};

/** Of which nobody wants anything. */
export const unused: Pick<
  CommandContext,
  "storage" | "tokens" | "audit" | "sessions" | "botUserId" | "waits" | "talk" | "answers" | "version"
> = {
  version: "1.2.3",
  talk: { mostHops: 10 },
  waits: { begin: () => () => undefined },
  answers: { wait: async () => undefined },
  botUserId: "@letta:example.org",
  sessions: {
    as: () => {
      throw new Error("nobody acts here");
    },
  },
  tokens: {
    create: () => Promise.reject(new Error("no token is made here")),
    list: () => [],
    revoke: () => Promise.reject(new Error("there is no token")),
  },
  audit: { record: async () => undefined, page: async () => ({ entries: [] }) },
  storage: {
    backUp: () => Promise.reject(new Error("nothing is backed up here")),
    inspect: () => Promise.reject(new Error("nothing is inspected here")),
  },
};
