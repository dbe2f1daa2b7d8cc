import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLettaV1 } from "../../servers/letta-v1.ts";
import { startModel } from "../../servers/model.ts";
import { lettaContract } from "./letta-contract.ts";
import { restInspectionContract } from "./rest-inspection.ts";
import { restAbilities, restServer } from "./rest-server.ts";
import { v1OdditiesContract } from "./v1-oddities.ts";

const start = async () => {
  const dir = await mkdtemp(join(tmpdir(), "letta-v1-"));
  return await restServer({
    startModel,
    start: (model) => startLettaV1({ dir, model }),
    cleanUp: () => rm(dir, { recursive: true, force: true }),
  });
};

lettaContract("Letta's V1 server", restAbilities, start, (server) => {
  v1OdditiesContract(server);
  restInspectionContract(server);
});
