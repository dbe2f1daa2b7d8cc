import { scopes } from "../../src/commands/access/principal.ts";
import { serve } from "../api/served.ts";

/** The REST API at an address of its own, before an installation in memory. */
export async function startV1Server() {
  const api = await serve();
  const bearer = async (agentId?: string) => ({
    authorization: `Bearer ${await api.tokenFor(scopes, { ...(agentId !== undefined && { agentId }) })}`,
  });
  return {
    baseUrl: `http://127.0.0.1:${api.port}`,
    callers: [
      ["with a token", await bearer()],
      ["with a token that is for one agent", await bearer("agent-1")],
    ] as const,
    stop: () => api.stop(),
  };
}
