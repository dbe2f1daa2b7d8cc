import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appServerAbilities } from "../../ports/abilities.ts";
import { startLetta } from "../../servers/letta.ts";
import { lettaHaste, receiptWithinMs } from "../../servers/letta-haste.ts";
import { appServer } from "./app-server.ts";
import { appServerOdditiesContract } from "./app-server-oddities.ts";
import { lettaContract } from "./letta-contract.ts";

const start = async () => {
  const dir = await mkdtemp(join(tmpdir(), "letta-contract-"));
  return await appServer({
    start: (model) => startLetta({ dir, model, env: { NODE_OPTIONS: lettaHaste(Date.now()) } }),
    toolFolder: join(dir, "work"),
    receiptWithinMs,
    cleanUp: () => rm(dir, { recursive: true, force: true }),
  });
};

lettaContract("Letta's App Server", appServerAbilities, start, appServerOdditiesContract);
