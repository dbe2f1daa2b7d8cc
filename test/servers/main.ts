import { ensureLetta, ensureSynapse } from "./install.ts";

/** Installs the real servers, each once: `node test/servers/main.ts`. */

await Promise.all([ensureSynapse(), ensureLetta()]);
