import { embeddedWorld, reopeningWorld } from "./embedded-world.ts";
import { hostConformance } from "./host-conformance.ts";

hostConformance("the embedded host", embeddedWorld);
hostConformance("the host that outlives its store's failures", reopeningWorld);
