import { caught } from "./caught.ts";
import { deliveryPatches } from "./patches.ts";

caught(deliveryPatches);
