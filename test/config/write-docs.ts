import { writeFileSync } from "node:fs";
import { reference, referenceFile } from "./reference.ts";
import { sample, sampleFile } from "./sample.ts";

/** `npm run config-docs`: writes the commented sample and the reference page anew from the schema. */

writeFileSync(sampleFile, sample());
writeFileSync(referenceFile, reference());
