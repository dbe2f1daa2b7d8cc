import { startSynapse } from "../../servers/synapse.ts";
import { appserviceContract } from "./appservice-contract.ts";
import { synapseContract } from "./synapse-contract.ts";

synapseContract("Synapse", (dir, rateLimits) => startSynapse({ dir, rateLimits }));

appserviceContract(
  "Synapse",
  (dir, rateLimits, registration) => startSynapse({ dir, rateLimits, appservices: [registration] }),
  "synapse",
  { noticing: 1_200 },
);
