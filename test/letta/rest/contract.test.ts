import { describe, expect, test } from "vitest";
import { lettaContract } from "../../contract/letta/letta-contract.ts";
import { restInspectionContract } from "../../contract/letta/rest-inspection.ts";
import { restAbilities, restServer } from "../../contract/letta/rest-server.ts";
import { V1Caller } from "../../contract/letta/v1-caller.ts";
import { v1OdditiesContract, v1OddityCases } from "../../contract/letta/v1-oddities.ts";
import { startModel } from "../../servers/model.ts";
import { startV1StandIn } from "../../servers/v1/stand-in.ts";
import { type V1Oddities, v1Oddities } from "../../servers/v1/state.ts";

const standIn = (oddities: Partial<V1Oddities> = {}) =>
  restServer({ startModel, start: (model) => startV1StandIn({ model, oddities }), haste: 5 });

lettaContract(
  "The stand-in of Letta's V1 server",
  restAbilities,
  () => standIn(),
  (server) => {
    v1OdditiesContract(server);
    restInspectionContract(server);
  },
);

describe.concurrent("A stand-in that is less odd than Letta's V1 server fails the case", { timeout: 20_000 }, () => {
  for (const [oddity, [name, check]] of Object.entries(v1OddityCases)) {
    test(name, async () => {
      expect(v1Oddities).toHaveProperty(oddity, true);
      const server = await standIn({ [oddity]: false });
      await expect(check(new V1Caller(server), server)).rejects.toThrow();
      await server.stop();
    });
  }
});
