import { caught } from "./caught.ts";
import { recoveryPatches } from "./patches.ts";

caught(recoveryPatches);
