import { standInContract } from "./stand-in-contract.ts";

standInContract("synapse");
