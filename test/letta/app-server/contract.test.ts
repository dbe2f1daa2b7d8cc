import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { appServer } from "../../contract/letta/app-server.ts";
import { AppServerCaller } from "../../contract/letta/app-server-caller.ts";
import { appServerOdditiesContract, appServerOddityCases } from "../../contract/letta/app-server-oddities.ts";
import { lettaContract } from "../../contract/letta/letta-contract.ts";
import { appServerAbilities } from "../../ports/abilities.ts";
import { startAppServerStandIn } from "../../servers/app-server/stand-in.ts";
import { type AppServerOddities, appServerOddities } from "../../servers/app-server/state.ts";

const haste = 5;

const standIn = async (oddities: Partial<AppServerOddities> = {}) => {
  const toolFolder = await mkdtemp(join(tmpdir(), "letta-stand-in-"));
  const times = { leaseMs: 1_000 / haste, retryAfterMs: 1_000 / haste };
  return await appServer({
    start: (model) => startAppServerStandIn({ model, toolFolder, oddities, ...times }),
    toolFolder,
    receiptWithinMs: 4_000,
    haste,
    cleanUp: () => rm(toolFolder, { recursive: true, force: true }),
  });
};

lettaContract("The stand-in of Letta's App Server", appServerAbilities, () => standIn(), appServerOdditiesContract);

describe.concurrent("A stand-in that is less odd than Letta's App Server fails the case", { timeout: 20_000 }, () => {
  for (const [oddity, [name, check]] of Object.entries(appServerOddityCases)) {
    test(name, async () => {
      expect(appServerOddities).toHaveProperty(oddity, true);
      const server = await standIn({ [oddity]: false });
      const caller = await AppServerCaller.connect(server);
      await expect(check(caller, server)).rejects.toThrow();
      caller.close();
      await server.stop();
    });
  }
});
