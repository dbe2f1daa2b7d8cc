import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { runCli } from "./program.ts";
import { terminalOf } from "./terminal.ts";

const manifest = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")));

process.exitCode = await runCli(process.argv.slice(2), {
  version: manifest.version,
  env: process.env,
  console: {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  },
  looking: {
    terminal: () => terminalOf(process.stdout, process.env),
    openLastKnown: async (folder, server) => (await import("../app.ts")).openLastKnown(folder, server),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  },
  adopting: {
    openStore: async (config) => (await import("../app.ts")).openAdoption(config),
    sleep: (ms) => sleep(ms),
  },
  running: {
    // Loaded late: it takes a second, and only `run` needs it.
    createApp: async (config, logger) => (await import("../app.ts")).createApp(config, logger),
    now: Date.now,
    exit: (code) => process.exit(code),
    onStopRequest(listener) {
      const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
  },
});
