import { randomUUID } from "node:crypto";
import { z } from "zod";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";
import { startTimer } from "../../../src/letta/timer.ts";
import { createAgent } from "../../servers/letta-agents.ts";
import { openLettaSocket } from "../../servers/letta-socket.ts";
import { type Model, startModel } from "../../servers/model.ts";
import { layCable } from "./cable.ts";
import type { ServerUnderContract } from "./server.ts";
import { watchModel } from "./watched-model.ts";

/** A server that speaks the App Server's protocol: the real one or its stand-in. */
export interface AppServer {
  readonly url: string;
  readonly modelHandle: string;
  kill(signal: "SIGKILL"): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface AppServerUnderContractOptions {
  start(model: Model): Promise<AppServer>;
  /** Where the tools of agents run. */
  readonly toolFolder: string;
  /** How long a client waits for a receipt, ms. */
  readonly receiptWithinMs: number;
  /** Divides all times of a case, for a server that is fast itself. */
  readonly haste?: number;
  cleanUp(): Promise<void>;
}

export interface AppServerUnderContract extends ServerUnderContract {
  readonly url: string;
  readonly haste: number;
}

export async function appServer(options: AppServerUnderContractOptions): Promise<AppServerUnderContract> {
  const { haste = 1, toolFolder, receiptWithinMs } = options;
  const { model, request } = await watchModel(startModel, haste);
  const server = await options.start(model);
  const others: { close(): void }[] = [];
  return {
    url: server.url,
    haste,
    async client({ toolAllowList = [], toolAskList = [], idleTimeoutMs = 20_000, tools } = {}) {
      const cable = await layCable(server.url);
      const backend = new AppServerBackend({
        url: cable.url,
        toolAllowList,
        toolAskList,
        idleTimeoutMs,
        receiptWithinMs,
        startTimer: (ms, fire) => startTimer(ms / haste, fire),
      });
      if (tools !== undefined) backend.offer(tools);
      return {
        backend,
        crash: () => cable.cut(),
        async close() {
          await backend.close();
          await cable.close();
        },
      };
    },
    async newAgent(name = `Agent ${randomUUID()}`) {
      return (await createAgent(server.url, { name, model: server.modelHandle, persona: "I answer." })).id;
    },
    modelCalls: (nonce) => model.calls().filter((call) => call.nonce === nonce),
    offeredTools: (nonce) => request(nonce)?.tools ?? [],
    past: (nonce) => request(nonce)?.past ?? [],
    toolFolder,
    async otherTurn({ agentId, conversationId }, text) {
      const socket = await openLettaSocket(server.url);
      others.push(socket);
      const runtime = { agent_id: agentId, conversation_id: conversationId };
      const begun = new Promise<void>((resolve) => {
        socket.onFrame((frame) => {
          if (frame.type === "update_loop_status" && JSON.stringify(frame).includes("PROCESSING")) resolve();
          if (frame.type !== "control_request") return;
          const decision = { behavior: "deny", message: "denied by its own client" };
          const payload = { kind: "approval_response", request_id: frame.request_id, decision };
          // Late, so that whoever else wanted to decide would have done so.
          setTimeout(() => void socket.request({ type: "input", runtime, payload }, z.unknown()), 500 / haste);
        });
      });
      const id = randomUUID();
      const messages = [{ role: "user", content: text, client_message_id: id, otid: id }];
      const payload = { kind: "create_message", messages, client_tool_allowlist: ["Bash"] };
      await socket.request({ type: "input", runtime, payload }, z.unknown());
      await begun;
    },
    kill: () => server.kill("SIGKILL"),
    restart: () => server.restart(),
    async stop() {
      for (const other of others) other.close();
      await server.stop();
      await model.stop();
      await options.cleanUp();
    },
  };
}
