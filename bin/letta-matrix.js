#!/usr/bin/env node
// The command itself. Plain JavaScript that every Node from 20 on takes: an older one than the program needs runs it
// with the Node that comes along as a dependency.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const [major = 0] = process.versions.node.split(".").map(Number);

if (major >= 22) await import("../dist/cli/main.js");
else runWithOwnNode();

function runWithOwnNode() {
  const wrapped = fileURLToPath(new URL("wrapped.js", import.meta.url));
  // The channel tells the child when this process is gone, however it ended.
  const child = spawn(ownNode(), [wrapped, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`its own Node.js cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    for (const name of signals) process.removeAllListeners(name);
    if (signal === null) process.exit(code ?? 1);
    process.kill(process.pid, signal);
  });
}

function ownNode() {
  try {
    return createRequire(import.meta.url).resolve(process.platform === "win32" ? "node/bin/node.exe" : "node/bin/node");
  } catch {
    return fail(
      `it needs Node.js 22 or newer, this is ${process.version}, and the one that comes along is not there.\n` +
        "Install a newer Node.js, or install letta-matrix again with install scripts allowed.",
    );
  }
}

function fail(reason) {
  process.stderr.write(`letta-matrix cannot run: ${reason}\n`);
  process.exit(1);
}
