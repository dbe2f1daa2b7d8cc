import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ownVersion } from "../commands/system/own-version.ts";
import { createLogger } from "../telemetry/logger.ts";
import { exitCode } from "./exit-code.ts";
import { runCli } from "./program.ts";
import { terminalOf } from "./terminal.ts";

async function withQuestions<T>(use: (ask: (question: string) => Promise<string>) => Promise<T>): Promise<T> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D end the program: without this, a question that is never answered would end it as if all were well.
  terminal.once("SIGINT", () => process.exit(130));
  terminal.once("close", () => {
    process.exitCode = exitCode.failed;
  });
  try {
    return await use(async (question) => (await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

/** In a terminal SIGHUP means what it says: the terminal is gone. To a service it means to read its configuration. */
// `letta-matrix status --watch | head`: whoever reads has seen enough.
process.stdout.on("error", (error) => {
  if (Reflect.get(error, "code") !== "EPIPE") throw error;
  process.exit(exitCode.ok);
});

const hangsUp = process.stdin.isTTY;

process.exitCode = await runCli(process.argv.slice(2), {
  version: ownVersion(),
  env: process.env,
  console: {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  },
  asking: { withQuestions: process.stdin.isTTY ? withQuestions : undefined },
  looking: {
    terminal: () => terminalOf(process.stdout, process.env),
    openLastKnown: async (folder, server) => (await import("../app.ts")).openLastKnown(folder, server),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  },
  storing: {
    openIdleStorage: async (folder) => (await import("../app.ts")).openIdleStorage(folder),
  },
  tooling: {
    async serveTools({ commands, feed, principal }) {
      const { mcpOverStdio } = await import("../mcp/stdio.ts");
      // Standard output is the client's.
      const logger = createLogger({ level: "error", secrets: [], destination: process.stderr });
      const streams = { input: process.stdin, output: process.stdout };
      const version = ownVersion();
      await mcpOverStdio({ commands, feed, logger, version, ...streams }, { principal, toolset: "all" });
    },
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
