import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { answerJson, refusingUrl, startOddServer } from "./odd-server.ts";

it("a process that has nothing more to ask ends by itself, whatever its requests ended with", async () => {
  const odd = await startOddServer((_request, response, _n) => {
    if (odd.requests.at(-1)?.body.includes("answer")) answerJson(response, 200, {});
  });
  try {
    const script = fileURLToPath(import.meta.resolve("./one-of-each.ts"));
    const child = spawn(process.execPath, [script, odd.baseUrl, await refusingUrl()], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const exited = once(child, "exit", { signal: AbortSignal.timeout(15_000) });
      const [output, outcome] = await Promise.all([text(child.stdout), exited]);
      expect(output.trim()).toBe("fulfilled rejected rejected rejected");
      expect(outcome).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  } finally {
    await odd.stop();
  }
}, 20_000);
