import { join } from "node:path";
import { z } from "zod";
import { startAppServerStandIn } from "../servers/app-server/stand-in.ts";
import { startLetta } from "../servers/letta.ts";
import { createAgent } from "../servers/letta-agents.ts";
import { lettaHaste } from "../servers/letta-haste.ts";
import type { Model } from "../servers/model.ts";
import { startV1StandIn } from "../servers/v1/stand-in.ts";
import { HttpProxy } from "./http-proxy.ts";
import type { LettaKind } from "./phase.ts";
import { SocketProxy } from "./socket-proxy.ts";

const made = z.object({ id: z.string() });

/** A stand-in of Letta with a proxy before it. */
export interface LettaSide {
  /** Of the proxy. */
  readonly url: string;
  /** Before an App Server. */
  readonly socket: SocketProxy;
  /** Before the REST API. */
  readonly http: HttpProxy;
  /** Past the proxy; gives its id. */
  newAgent(name: string, persona: string): Promise<string>;
  stop(): Promise<void>;
}

export interface LettaSideOptions {
  readonly kind: LettaKind;
  /** The real App Server in the stand-in's place. */
  readonly real: boolean;
  readonly model: Model;
  /** Holds all that it writes. */
  readonly dir: string;
}

export function startLettaSide(options: LettaSideOptions): Promise<LettaSide> {
  return options.kind === "rest" ? startRest(options.model) : startAppServer(options);
}

async function startAppServer({ real, model, dir }: LettaSideOptions): Promise<LettaSide> {
  const letta = real
    ? await startLetta({ dir: join(dir, "letta"), model, env: { NODE_OPTIONS: lettaHaste(Date.now()) } })
    : await startAppServerStandIn({ model, toolFolder: dir, leaseMs: 500, retryAfterMs: 100 });
  const socket = await SocketProxy.start(letta.url);
  return {
    url: socket.url,
    socket,
    get http(): HttpProxy {
      throw new Error("this Letta speaks WebSocket");
    },
    newAgent: async (name, persona) => (await createAgent(letta.url, { name, model: letta.modelHandle, persona })).id,
    async stop() {
      await socket.close();
      await letta.stop();
    },
  };
}

async function startRest(model: Model): Promise<LettaSide> {
  const letta = await startV1StandIn({ model });
  const http = await HttpProxy.start({ target: letta.url });
  return {
    url: http.url,
    http,
    get socket(): SocketProxy {
      throw new Error("this Letta speaks HTTP");
    },
    async newAgent(name, persona) {
      const body = { name, model: letta.modelHandle, memory_blocks: [{ label: "persona", value: persona }] };
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${letta.url}/v1/agents/`, { method: "POST", headers, body: JSON.stringify(body) });
      return made.parse(await answer.json()).id;
    },
    async stop() {
      await http.close();
      await letta.stop();
    },
  };
}
