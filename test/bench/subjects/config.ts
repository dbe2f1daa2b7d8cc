import type { Config } from "../../../src/config/schema.ts";

/** The program with one agent, as a bench runs it. */
export function benchConfig({
  homeserver,
  dataFolder,
  human,
  apiPort,
}: Pick<Config, "homeserver" | "dataFolder"> & {
  readonly human: string;
  /** Where programs may call, if they are to. */
  readonly apiPort?: number | undefined;
}): Config {
  return {
    homeserver,
    letta: { url: "ws://127.0.0.1:9", toolAllowList: [], toolAskList: [], matrixTools: [], idleTimeoutMs: 60_000 },
    dataFolder,
    invite: [human],
    coreUsers: {},
    space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
    discovery: { intervalMs: 600_000, graceMs: 7_200_000, disabled: [] },
    audit: { intervalMs: 3_600_000 },
    rooms: { nameTemplate: "{agent}" },
    avatars: { kind: "generated" },
    commands: { people: [] },
    invitations: { people: [], servers: [] },
    agents: { mostHops: 10 },
    history: { importLimit: 0 },
    formerClients: { legacyOpen: false },
    drafts: { ratePerSecond: 10, burst: 10 },
    api: {
      ...(apiPort !== undefined && { listen: { host: "127.0.0.1", port: apiPort } }),
      allowedHosts: [],
      allowedOrigins: [],
      ratePerMinute: 100_000,
    },
    log: { level: "warn" },
  };
}
