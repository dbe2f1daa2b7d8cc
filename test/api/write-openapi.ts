import { writeFileSync } from "node:fs";
import { openApiFile, openApiText } from "./openapi.ts";

/** `npm run openapi`: writes the description of the REST API anew from its routes and commands. */

writeFileSync(openApiFile, openApiText());
