import { randomUUID } from "node:crypto";
import { z } from "zod";
import { RestBackend } from "../../../src/letta/rest/backend.ts";
import type { Model, ModelOptions } from "../../servers/model.ts";
import { layCable } from "./cable.ts";
import type { ServerUnderContract } from "./server.ts";
import { watchModel } from "./watched-model.ts";

export const restAbilities = {
  turnsOutliveWatchers: true,
  gatesEveryTool: false,
  repeatsBrokenAnswers: false,
  holdsConversations: false,
  takesTools: false,
  attachesTools: true,
};

/** A server that speaks Letta's REST API: the real one or its stand-in. */
export interface RestServer {
  readonly url: string;
  readonly modelHandle: string;
  kill(signal: "SIGKILL"): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RestServerOptions {
  startModel(options: ModelOptions): Promise<Model>;
  start(model: Model): Promise<RestServer>;
  /** Divides all times of a case, for a server that is fast itself. */
  readonly haste?: number;
  cleanUp?(): Promise<void>;
}

export interface RestUnderContract extends ServerUnderContract {
  readonly url: string;
  /** Nothing that a case waits for takes longer, ms. */
  readonly patienceMs: number;
  /** An agent named Lost, whose settings name this model; gives its id. */
  newAgentOfModel(handle: string): Promise<string>;
  /** From now on the tool runs without approval. */
  ungate(agentId: string, tool: string): Promise<void>;
}

const madeAgent = z.object({ id: z.string() });
const listedTools = z.array(z.object({ id: z.string(), name: z.string() }));

export async function restServer(options: RestServerOptions): Promise<RestUnderContract> {
  const { haste = 1 } = options;
  const { model, request } = await watchModel(options.startModel, haste);
  const server = await options.start(model);
  const call = async (method: string, path: string, body?: unknown) => {
    const headers = { "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${server.url}${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    url: server.url,
    patienceMs: 10_000 / haste,
    async client({ toolAllowList = [], toolAskList = [], idleTimeoutMs = 20_000, lockMs = 300_000 } = {}) {
      const cable = await layCable(server.url);
      const url = cable.url.replace(/^ws:/, "http:").replace(/\/$/, "");
      const times = { idleTimeoutMs: idleTimeoutMs / haste, lockMs: lockMs / haste };
      const backend = new RestBackend({ url, toolAllowList, toolAskList, ...times });
      return {
        backend,
        crash: () => cable.cut(),
        async close() {
          await backend.close();
          await cable.close();
        },
      };
    },
    async newAgent(name = `Agent ${randomUUID()}`, gated) {
      const memory_blocks = [{ label: "persona", value: "I answer." }];
      const body = { name, model: server.modelHandle, embedding: null, memory_blocks, include_base_tools: true };
      const { id } = madeAgent.parse(await (await call("POST", "/v1/agents/", body)).json());
      if (gated !== undefined) {
        const tools = listedTools.parse(await (await call("GET", `/v1/tools/?name=${gated}`)).json());
        await call("PATCH", `/v1/agents/${id}/tools/attach/${tools.find((tool) => tool.name === gated)?.id}`);
        await call("PATCH", `/v1/agents/${id}/tools/approval/${gated}`, { requires_approval: true });
      }
      return id;
    },
    async newAgentOfModel(handle) {
      const model = { model: "no-such-model", model_endpoint_type: "openai", context_window: 32_000, handle };
      const body = { name: "Lost", llm_config: model, embedding: null };
      return madeAgent.parse(await (await call("POST", "/v1/agents/", body)).json()).id;
    },
    async ungate(agentId, tool) {
      await call("PATCH", `/v1/agents/${agentId}/tools/approval/${tool}`, { requires_approval: false });
    },
    modelCalls: (nonce) => model.calls().filter((made) => made.nonce === nonce),
    offeredTools: (nonce) => request(nonce)?.tools ?? [],
    past: (nonce) => request(nonce)?.past ?? [],
    toolFolder: "/nonexistent",
    async otherTurn({ conversationId }, text) {
      const body = { messages: [{ role: "user", content: text }], background: true, include_pings: true };
      const response = await call("POST", `/v1/conversations/${conversationId}/messages`, body);
      await response.body?.cancel();
    },
    kill: () => server.kill("SIGKILL"),
    restart: () => server.restart(),
    async stop() {
      await server.stop();
      await model.stop();
      await options.cleanUp?.();
    },
  };
}
