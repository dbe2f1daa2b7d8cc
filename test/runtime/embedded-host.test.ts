import { embeddedWorld } from "./embedded-world.ts";
import { hostConformance } from "./host-conformance.ts";

hostConformance("the embedded host", embeddedWorld);
