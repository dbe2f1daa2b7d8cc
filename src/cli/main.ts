import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { runCli } from "./program.ts";

const manifest = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")));

/** In a terminal SIGHUP means what it says: the terminal is gone. To a service it means to read its configuration. */
const hangsUp = process.stdin.isTTY;

process.exitCode = await runCli(process.argv.slice(2), {
  version: manifest.version,
  env: process.env,
  console: {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  },
  examining: {
    openPatient: async (config) => (await import("../app.ts")).openPatient(config),
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
    onReloadRequest(listener) {
      if (hangsUp) return () => undefined;
      process.on("SIGHUP", listener);
      return () => process.off("SIGHUP", listener);
    },
    onStopRequest(listener) {
      const signals = hangsUp ? (["SIGTERM", "SIGINT", "SIGHUP"] as const) : (["SIGTERM", "SIGINT"] as const);
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
  },
});
