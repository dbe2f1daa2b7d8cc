import type { Model } from "../servers/model.ts";
import { startV1StandIn } from "../servers/v1/stand-in.ts";
import { type Exchange, startProxy } from "./homeserver-proxy.ts";

/** Letta's REST API behind a proxy that can quote in its refusals what it was shown. */
export interface QuotingLetta {
  /** Of the proxy. */
  readonly url: string;
  /** What agents were given to call us with. */
  readonly tokens: ReadonlySet<string>;
  /** Makes an agent, without the proxy. */
  createAgent(name: string): Promise<void>;
  /** From now on it refuses, and quotes. */
  quote(what: "changes" | "everything"): void;
  stop(): Promise<void>;
}

export async function startQuotingLetta(model: Model, apiKey: string): Promise<QuotingLetta> {
  const letta = await startV1StandIn({ model, apiKey });
  const proxy = await startProxy(letta.url);
  const tokens = new Set<string>();
  // What goes through unspoilt is looked at, too.
  const look = ({ body }: Exchange): undefined => {
    for (const [token] of body.matchAll(/\blm_\w+/g)) tokens.add(token);
  };
  proxy.interfere({ instead: look });
  return {
    url: proxy.url,
    tokens,
    async createAgent(name) {
      const response = await fetch(`${letta.url}/v1/agents/`, {
        method: "POST",
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ name, model: letta.modelHandle, embedding: null }),
      });
      if (!response.ok) throw new Error(`no agent was made: ${response.status} ${await response.text()}`);
    },
    quote(what) {
      proxy.interfere({
        instead: ({ method, token, body }) =>
          what === "everything" || method !== "GET"
            ? { status: 400, body: JSON.stringify({ detail: `you have shown ${token}, and ${body}` }) }
            : undefined,
      });
    },
    async stop() {
      await proxy.close();
      await letta.stop();
    },
  };
}
