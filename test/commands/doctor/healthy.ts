import { examine } from "../../../src/commands/doctor/doctor.ts";
import type { Finding } from "../../../src/commands/doctor/finding.ts";
import type { Patient } from "../../../src/commands/doctor/patient.ts";
import type { Status } from "../../../src/commands/status/schema.ts";
import type { Config } from "../../../src/config/schema.ts";

export const now = 1_700_000_000_000;

export const config: Config = {
  homeserver: {
    url: "http://localhost:8008",
    serverName: "example.org",
    registration: { kind: "shared-secret", secret: "s3cret" },
  },
  letta: { url: "ws://127.0.0.1:4500", toolAllowList: [], toolAskList: [], matrixTools: [], idleTimeoutMs: 300_000 },
  dataFolder: "/var/lib/letta-matrix",
  invite: ["@anna:example.org"],
  coreUsers: {},
  space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
  discovery: { intervalMs: 30_000, graceMs: 7_200_000, disabled: [] },
  audit: { intervalMs: 3_600_000 },
  rooms: { nameTemplate: "{agent}" },
  avatars: { kind: "none" },
  commands: { people: [] },
  invitations: { people: [], servers: [] },
  agents: { mostHops: 10 },
  history: { importLimit: 15 },
  formerClients: { legacyOpen: false },
  drafts: { ratePerSecond: 0.2, burst: 10 },
  api: { allowedHosts: [], allowedOrigins: [], ratePerMinute: 1_200 },
  log: { level: "info" },
};

/** A process in which all is well. */
export const wellStatus: Status = {
  server: "example.org",
  at: now,
  coreUsers: [],
  agents: [
    { health: "running", agentId: "agent-1", userId: "@agent_1:example.org", roomId: "!1:example.org", regions: {} },
  ],
  conversations: [],
  troubles: [],
};

/** Somebody who has nothing. Tests give it one thing. */
export const healthy: Patient = {
  config,
  homeserver: {
    standing: async () => ({ versions: ["r0.6.1", "v1.1", "v1.11"], clock: now }),
    loginFlows: async () => ["m.login.password"],
    nameVerdict: async () => ({ is: "right" }),
    tryRegistration: async () => undefined,
    isSynapse: async () => true,
    admin: undefined,
  },
  letta: {
    async *listAgents() {
      yield { id: "agent-1", name: "Scout" };
    },
    missingModels: async () => [],
  },
  data: {
    folder: async () => undefined,
    store: async () => ({ housed: ["agent-1"], unreadable: [] }),
    secret: async () => "right",
    socket: async () => undefined,
  },
  status: async () => undefined,
  now: () => now,
};

export interface Ailment {
  readonly config?: Partial<Config>;
  readonly homeserver?: Partial<Patient["homeserver"]>;
  readonly letta?: Partial<Patient["letta"]>;
  readonly data?: Partial<Patient["data"]>;
  readonly status?: Patient["status"];
}

export function examineWith(ailment: Ailment): Promise<readonly Finding[]> {
  return examine(
    {
      ...healthy,
      config: { ...config, ...ailment.config },
      homeserver: { ...healthy.homeserver, ...ailment.homeserver },
      letta: { ...healthy.letta, ...ailment.letta },
      data: { ...healthy.data, ...ailment.data },
      ...(ailment.status !== undefined && { status: ailment.status }),
    },
    new AbortController().signal,
  );
}

/** What is wrong: neither as it should be nor unknown. */
export async function wrongWith(ailment: Ailment): Promise<readonly Finding[]> {
  return (await examineWith(ailment)).filter(({ severity }) => severity === "warning" || severity === "error");
}
