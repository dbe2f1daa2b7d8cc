import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";
import { type Letta, startLetta } from "../../servers/letta.ts";
import { createAgents } from "../../servers/letta-agents.ts";
import { type Model, startModel } from "../../servers/model.ts";
import { directed } from "../../servers/model-plan.ts";

describe("Letta's App Server, asked for models", { timeout: 60_000 }, () => {
  let dir: string;
  let model: Model;
  let letta: Letta;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "letta-models-"));
    model = await startModel({ behaviour: directed });
    letta = await startLetta({ dir, model });
  }, 300_000);
  afterAll(async () => {
    await letta?.stop();
    await model?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  it("names the agents whose model it does not have", async () => {
    const persona = "I answer.";
    const [, lost] = await createAgents(letta.url, [
      { name: "Well", model: letta.modelHandle, persona },
      { name: "Lost", model: "anthropic/no-such-model", persona },
    ]);
    const backend = new AppServerBackend({ url: letta.url, toolAllowList: [], idleTimeoutMs: 20_000 });
    expect(await backend.missingModels(new AbortController().signal)).toEqual([
      { agentId: lost?.id, name: "Lost", model: "anthropic/no-such-model" },
    ]);
    await backend.close();
  });
});
