import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { sendJson } from "../model-answer.ts";
import { V1Routes } from "./routes.ts";
import { type V1Oddities, V1State, v1Oddities } from "./state.ts";
import { append, finish } from "./streams.ts";

export interface V1StandInOptions {
  readonly model: { readonly url: string; readonly name: string };
  readonly oddities?: Partial<V1Oddities>;
  /** Without it no turn runs in the background. Default: true. */
  readonly redis?: boolean;
  /** Who has another one is refused. */
  readonly apiKey?: string;
}

/** Stands for Letta's V1 server: the part of its REST API that is in use, with what is odd in it. */
export interface V1StandIn {
  readonly url: string;
  readonly modelHandle: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startV1StandIn(options: V1StandInOptions): Promise<V1StandIn> {
  const { model, apiKey } = options;
  const oddities = { ...v1Oddities, ...options.oddities };
  const state = new V1State();
  const port = await freePort();
  let life = new AbortController();
  let server: Server | undefined;

  const start = async () => {
    life = new AbortController();
    const routes = new V1Routes({
      state,
      oddities,
      redis: options.redis !== false,
      modelUrl: model.url,
      modelName: model.name,
      life: life.signal,
    });
    server = createServer((request, response) => {
      if (apiKey === undefined || request.headers.authorization === `Bearer ${apiKey}`)
        void answer(routes, request, response);
      else sendJson(response, 401, { detail: "Unauthorized" });
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const kill = async () => {
    life.abort();
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    server = undefined;
    await closed;
    // What was under way notices on its own.
    await sleep(10);
    if (oddities.deadRunsStay) return;
    for (const run of state.runs.values()) {
      if (run.status !== "running") continue;
      append(run, { message_type: "stop_reason", stop_reason: "error" });
      state.end(run, "failed", "error");
      finish(run);
    }
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    modelHandle: `openai-proxy/${model.name}`,
    kill,
    async restart() {
      await kill();
      await start();
    },
    stop: kill,
  };
}

async function answer(routes: V1Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stand-in");
    const body: unknown = request.method === "GET" ? {} : await json(request).catch(() => ({}));
    await routes.answer(`${request.method} ${pathname.replace(/\/$/, "")}`, searchParams, Object(body), response);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else sendJson(response, 500, { detail: String(error) });
  }
}
