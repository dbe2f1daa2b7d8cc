import { startSynapse } from "../../servers/synapse.ts";
import { synapseContract } from "./synapse-contract.ts";

synapseContract("Synapse", (dir, rateLimits) => startSynapse({ dir, rateLimits }));
