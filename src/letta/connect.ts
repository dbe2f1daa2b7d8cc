import { AppServerBackend } from "./app-server/backend.ts";
import type { LettaBackend, ModelInspector, ToolAttacher, ToolInspector, ToolTaker } from "./port.ts";
import { RestBackend } from "./rest/backend.ts";

export interface LettaServer {
  /** `ws(s)://` for an App Server, `http(s)://` for the REST API. */
  readonly url: string;
  /** An App Server's. A secret. */
  readonly token?: string;
  /** The REST API's. A secret. */
  readonly apiKey?: string;
  readonly toolAllowList: readonly string[];
  readonly toolAskList: readonly string[];
  readonly idleTimeoutMs: number;
}

/** The adapter for the kind of server that the address names. Nothing is sent yet. */
export function connectLetta({
  url,
  token,
  apiKey,
  ...turns
}: LettaServer): LettaBackend & Partial<ModelInspector & ToolAttacher & ToolInspector & ToolTaker> {
  return new URL(url).protocol.startsWith("http")
    ? new RestBackend({ url, ...(apiKey !== undefined && { apiKey }), ...turns })
    : new AppServerBackend({ url: appServerSocket(url), ...(token !== undefined && { token }), ...turns });
}

/** The App Server listens for clients at `/ws` of the address it was told to listen at. */
function appServerSocket(url: string): string {
  return new URL(url).pathname === "/" ? new URL("/ws", url).href : url;
}
