import { ensureLetta, ensureSynapse } from "./servers/install.ts";

/** Installs the real servers before the first test needs them: that takes minutes once, and counts against no test. */
export default async function installServers(): Promise<void> {
  await Promise.all([ensureSynapse(), ensureLetta()]);
}
