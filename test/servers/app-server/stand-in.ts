import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { z } from "zod";
import { freePort } from "../free-port.ts";
import { Commands } from "./commands.ts";
import { type AppServerOddities, AppServerState, appServerOddities } from "./state.ts";

export interface AppServerStandInOptions {
  readonly model: { readonly url: string; readonly name: string };
  readonly toolFolder: string;
  readonly oddities?: Partial<AppServerOddities>;
  /** How long a receipt that was told is told to nobody, ms. Default: 30,000, as Letta has it. */
  readonly leaseMs?: number;
  /** How long after a model broke off it is asked again, ms. Default: 1,000, as Letta has it. */
  readonly retryAfterMs?: number;
}

/** Stands for Letta's App Server: the part of its protocol that is in use, with what is odd in it. */
export interface AppServerStandIn {
  /** `ws://127.0.0.1:PORT/ws` */
  readonly url: string;
  readonly modelHandle: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const request = z.looseObject({ type: z.string(), request_id: z.string().optional() });

export async function startAppServerStandIn(options: AppServerStandInOptions): Promise<AppServerStandIn> {
  const { model, toolFolder, leaseMs = 30_000, retryAfterMs = 1_000 } = options;
  const oddities = { ...appServerOddities, ...options.oddities };
  const state = new AppServerState();
  const port = await freePort();
  let life = new AbortController();
  let http: Server | undefined;
  let server: WebSocketServer | undefined;

  const start = async () => {
    life = new AbortController();
    const loop = { modelUrl: model.url, modelName: model.name, life: life.signal };
    const commands = new Commands({ state, oddities, toolFolder, leaseMs, retryAfterMs, ...loop });
    http = createServer((_, response) => response.writeHead(426).end());
    server = new WebSocketServer({ server: http });
    server.on("connection", (socket) => {
      const listener = { send: (frame: object) => socket.send(JSON.stringify(frame)) };
      socket.on("error", () => {}); // "close" follows
      socket.on("close", () => commands.leave(listener));
      socket.on("message", (data) => {
        const given = read(data.toString());
        const answer = commands.answer(given, listener);
        if (answer === undefined) return;
        const { type, request_id } = request.safeParse(given).data ?? { type: "unreadable" };
        listener.send({ type: type === "input" ? "input_accepted" : `${type}_response`, request_id, ...answer });
      });
    });
    http.listen(port, "127.0.0.1");
    await once(http, "listening");
  };
  const kill = async () => {
    life.abort();
    if (server === undefined || http === undefined) return;
    const closed = once(http, "close");
    for (const client of server.clients) client.terminate();
    server.close();
    server = undefined;
    http.close();
    // Whoever is still shaking hands may never come to the end of that.
    http.closeAllConnections();
    await closed;
    // What was under way notices on its own.
    await sleep(10);
  };
  await start();
  return {
    url: `ws://127.0.0.1:${port}/ws`,
    modelHandle: `openai-compatible/${model.name}`,
    kill,
    async restart() {
      await kill();
      await start();
    },
    stop: kill,
  };
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
