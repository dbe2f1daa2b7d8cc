import { synapseContract } from "../contract/matrix/synapse-contract.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";

synapseContract("The stand-in of Synapse", (dir, rateLimits) => startHomeserver("synapse", { dir, rateLimits }));
