// Started by letta-matrix.js on an old Node.js: ends when that process does, also when it was killed.
const longestStop = 30_000;

process.once("disconnect", () => {
  setTimeout(() => process.exit(1), longestStop).unref();
  process.kill(process.pid, "SIGTERM");
});
// Listening alone must not keep a command alive that is done.
process.channel?.unref();

await import("../dist/cli/main.js");
