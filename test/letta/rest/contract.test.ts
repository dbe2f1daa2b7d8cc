import { lettaContract } from "../../contract/letta/letta-contract.ts";
import { restAbilities, restServer } from "../../contract/letta/rest-server.ts";
import { startModel } from "../../servers/model.ts";
import { startV1StandIn } from "../../servers/v1/stand-in.ts";

lettaContract("The stand-in of Letta's V1 server", restAbilities, () =>
  restServer({ startModel, start: (model) => startV1StandIn({ model }), haste: 5 }),
);
