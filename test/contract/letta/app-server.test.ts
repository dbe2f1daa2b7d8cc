import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";
import { appServerAbilities } from "../../ports/abilities.ts";
import { startLetta } from "../../servers/letta.ts";
import { createAgent } from "../../servers/letta-agents.ts";
import { lettaHaste, receiptWithinMs } from "../../servers/letta-haste.ts";
import { openLettaSocket } from "../../servers/letta-socket.ts";
import { startModel } from "../../servers/model.ts";
import { directed } from "../../servers/model-plan.ts";
import type { ModelRequest } from "../../servers/model-request.ts";
import { layCable } from "./cable.ts";
import { lettaContract } from "./letta-contract.ts";

lettaContract("Letta's App Server", appServerAbilities, async () => {
  const dir = await mkdtemp(join(tmpdir(), "letta-contract-"));
  const requests = new Map<string, ModelRequest>();
  const model = await startModel({
    behaviour: (request) => {
      if (request.nonce !== undefined) requests.set(request.nonce, request);
      return directed(request);
    },
  });
  const letta = await startLetta({ dir, model, env: { NODE_OPTIONS: lettaHaste(Date.now()) } });
  const others: { close(): void }[] = [];
  return {
    async client({ toolAllowList = [], toolAskList = [], idleTimeoutMs = 20_000 } = {}) {
      const cable = await layCable(letta.url);
      const backend = new AppServerBackend({
        url: cable.url,
        toolAllowList,
        toolAskList,
        idleTimeoutMs,
        receiptWithinMs,
      });
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
      return (await createAgent(letta.url, { name, model: letta.modelHandle, persona: "I answer." })).id;
    },
    modelCalls: (nonce) => model.calls().filter((call) => call.nonce === nonce),
    offeredTools: (nonce) => requests.get(nonce)?.tools ?? [],
    past: (nonce) => requests.get(nonce)?.past ?? [],
    toolFolder: letta.workDir,
    async otherTurn({ agentId, conversationId }, text) {
      const socket = await openLettaSocket(letta.url);
      others.push(socket);
      const runtime = { agent_id: agentId, conversation_id: conversationId };
      const begun = new Promise<void>((resolve) => {
        socket.onFrame((frame) => {
          if (frame.type === "update_loop_status" && JSON.stringify(frame).includes("PROCESSING")) resolve();
          if (frame.type !== "control_request") return;
          const decision = { behavior: "deny", message: "denied by its own client" };
          const payload = { kind: "approval_response", request_id: frame.request_id, decision };
          // Late, so that whoever else wanted to decide would have done so.
          setTimeout(() => void socket.request({ type: "input", runtime, payload }, z.unknown()), 500);
        });
      });
      const id = randomUUID();
      const messages = [{ role: "user", content: text, client_message_id: id, otid: id }];
      const payload = { kind: "create_message", messages, client_tool_allowlist: ["Bash"] };
      await socket.request({ type: "input", runtime, payload }, z.unknown());
      await begun;
    },
    kill: () => letta.kill("SIGKILL"),
    restart: () => letta.restart(),
    async stop() {
      for (const other of others) other.close();
      await letta.stop();
      await model.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
});
