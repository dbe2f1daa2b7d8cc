import type { Host } from "../../src/runtime/host.ts";

/** Of a host in which nothing has ever gone wrong. */
export const untroubled: Pick<Host, "health" | "crashes" | "quarantined" | "release" | "deadLetters"> = {
  health: () => ({ state: "running" }),
  crashes: async () => [],
  quarantined: () => [],
  release: async () => false,
  deadLetters: {
    list: async () => [],
    replay: () => Promise.reject(new Error("there is no dead letter")),
    drop: () => Promise.reject(new Error("there is no dead letter")),
  },
};
